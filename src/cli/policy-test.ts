import { goJson, testPolicies, type PolicyTestResult } from "../doors/policy.ts";
import { onlyArgument, parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";

const NAME = "policy test";
const OPTIONS = { filename: { type: "string", default: "Dockerfile" }, run: { type: "string", default: "" } } as const;

export const command: Command = {
  name: NAME,
  summary: "run the tests of a policy",
  usage: `Usage: stemma policy test [flags] PATH

Evaluates each rule test_… of PATH, a file *_test.rego or a directory of such files, together with Dockerfile.rego.
A test that gives an input (\`with input as {…}\`) is shown with what the policy decides on that. Nothing is looked up.

      --filename NAME  the policy without .rego (default Dockerfile)
      --run TEXT       only tests whose names have TEXT in them

The status is 1 where a test fails. docs/policy.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    const results = await testPolicies({ path: onlyArgument(NAME, "path", positionals), filename: values.filename, run: values.run, workingDirectory: io.cwd, signal: io.signal });
    for (const result of results) io.stdout(shown(result));
    return results.every(({ passed }) => passed) ? EXIT.ok : EXIT.other;
  },
};

/** buildx's lines. */
function shown({ name, passed, input, decision, missing, needed }: PolicyTestResult): string {
  const messages = decision?.deny_msg ?? [];
  const allow = decision?.allow ?? "n/a";
  const line = `${name}: ${passed ? "PASS" : "FAIL"} (allow=${allow}${messages.length === 0 ? "" : `, deny_msg=${messages.join("; ")}`})\n`;
  if (passed) return line;
  const json = (label: string, value: unknown): string => (value === undefined ? `${label}: <nil>\n` : `${label}:\n${goJson(value, "  ")}\n`);
  const list = (label: string, values: readonly string[]): string => (values.length === 0 ? "" : `${label}: ${values.join(", ")}\n`);
  return line + json("input", input) + json("decision", decision) + list("missing_input", missing.map((path) => `input.${path}`)) + list("metadata_resolve", needed);
}
