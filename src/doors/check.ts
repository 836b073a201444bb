/** Our own findings about Dockerfiles. Not a subpath export: it is the command's. */
export { adviceRuleOf, adviceRules, adviceRuleText, type AdviceRule } from "../frontend/advice/advice-rule.ts";
export { adviseDockerfile, mendDockerfile, type AdviceFinding, type AdviceOptions, type MendedDockerfile } from "../frontend/advice/advise-dockerfile.ts";
export { contextFiles, type ContextFiles } from "../frontend/advice/context-files.ts";
export { pinnableBases } from "../frontend/advice/unpinned-base.ts";
export { DockerfileError } from "../frontend/dockerfile/dockerfile-error.ts";
export { parseDockerfile } from "../frontend/dockerfile/stages.ts";
