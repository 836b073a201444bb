/** Keeps secrets out of what is shown. Not a subpath export: it is the command's. */
export { scrubText } from "../scrub/scrubber.ts";
