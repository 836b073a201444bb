/** Policies of builds, asked without one. Not a subpath export: it is the command's. */
export { goJson } from "../content/go-json.ts";
export { evaluatePolicy, PolicyQueryError, showInput, type PolicyQuery, type ShownInput } from "../engine/evaluate-policy.ts";
export { testPolicies, type PolicyTestRequest, type PolicyTestResult } from "../engine/test-policies.ts";
