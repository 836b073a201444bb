/** What of the data is not held against us, and why. Everything else counts. */
export interface Skip {
  /** As in vectors/row-check.ts, with the line where a test has several tables; or `llb`. */
  readonly table: string;
  /** Which rows; all where it is left out. */
  readonly rows?: (row: never) => boolean;
  readonly reason: string;
}

interface TaggedRow {
  readonly platform?: string;
  readonly skip?: boolean;
  readonly text?: unknown;
}

const NO_LLB_BUILDER = "the rows are Go's objects of a graph in the making, not a graph";
const GO_EXPRESSIONS = "the project has no regular expression of this: names are read by hand";

export const SKIPS: readonly Skip[] = [
  { table: "llb", rows: ({ mode }: { readonly mode?: string }) => mode === "convert", reason: "conversion without a client (no session, no ignore file) is a Go function that no build calls" },

  { table: "caps.json#cases", reason: "what the recording's solver could do: material of the LLB records" },
  { table: "caps.json#gateway", reason: "what the recording's gateway could do: material of the LLB records" },
  { table: "linter_rules.json#samples", reason: "templates of messages with placeholders: the LLB records hold the messages" },
  { table: "shell_envVarTest.json#cases", rows: ({ platform }: TaggedRow) => platform === "W", reason: "holds for a lexer that runs on Windows" },
  { table: "tbl_bk_frontend_dockerfile_shell.json#TestShellParser4Words", reason: "the numbers of two runs over shell_wordsTest.json, which is checked" },
  { table: "tbl_bk_frontend_dockerfile_parser.json#TestParseExtractsHeredoc", reason: "results without their input; heredoc.json holds the same file with both" },
  { table: "tbl_bk_frontend_dockerfile_instructions.json#TestCommandsTooManyArguments", reason: "nodes that no text gives: here they cannot be stated" },

  { table: "tbl_bk_client_llb.json#TestDefinitionEquivalence", reason: NO_LLB_BUILDER },
  { table: "tbl_bk_client_llb.json#TestGit", reason: NO_LLB_BUILDER },
  { table: "tbl_bk_client_llb.json#TestLinuxResourcesMerge", reason: NO_LLB_BUILDER },
  { table: "tbl_bk_client_llb.json#TestLinuxResourcesMarshal", reason: NO_LLB_BUILDER },
  { table: "tbl_bk_frontend_dockerfile_dfgitutil.json#TestFragmentFormat", reason: "writing a reference back as a fragment is no function of the project" },
  { table: "tbl_bk_frontend_dockerfile_dfgitutil.json#TestFragmentFormatWithSubdir", reason: "writing a reference back as a fragment is no function of the project" },
  { table: "tbl_bk_frontend_dockerui.json#TestNormalizePlatform", reason: "results are keyed by the platform that was asked for; there is no such function" },
  { table: "tbl_bk_util_gitutil.json#TestIsCommitSHA", reason: "no such function: references are read whole" },
  { table: "tbl_bk_util_gitutil.json#TestParseURL", reason: "no such function: references are read whole (gitref_oracle.json)" },

  { table: "tbl_containerd_platforms.json#TestOnlyOS", reason: "matching by operating system alone is no function of the project" },
  { table: "tbl_containerd_platforms.json#TestOnlyOSLess", reason: "matching by operating system alone is no function of the project" },
  { table: "tbl_containerd_platforms.json#TestGetCPUVariantFromArch", reason: "the variant of the machine is asked of the system, not of a name" },
  { table: "tbl_containerd_platforms.json#Test_PlatformOrder", reason: "the order of a Windows host's own platforms: builds run on Linux" },
  { table: "tbl_containerd_platforms.json#TestParseSelector", rows: ({ skip }: TaggedRow) => skip === true, reason: "skipped in containerd's own test, too" },

  { table: "tbl_dchapes_mode.json#TestBits", reason: "bits of Go's file modes, which have another layout" },
  { table: "tbl_dchapes_mode.json#TestValues", reason: "bits of Go's file modes, which have another layout" },
  { table: "tbl_dchapes_mode.json#TestParseError", reason: "the messages are checked by go_functions_oracle.json#cases/mode.Parse; this table holds Go's error values" },
  { table: "tbl_dchapes_mode.json#TestApply", reason: "bits of Go's file modes, which have another layout" },
  { table: "go_functions_oracle.json#cases/mode.Parse", rows: ({ in: text }: { readonly in: string }) => /^[0-9]|^$/.test(text), reason: "an octal mode and an empty one never reach this function" },

  { table: "tbl_distribution_reference.json#TestMatch", reason: "matching names by shell patterns is no function of the project" },
  { table: "tbl_distribution_reference.json#TestDomainRegexp", reason: GO_EXPRESSIONS },
  { table: "tbl_distribution_reference.json#TestIdentifierRegexp", reason: GO_EXPRESSIONS },
  { table: "tbl_distribution_reference.json#TestReferenceRegexp", reason: GO_EXPRESSIONS },
  { table: "tbl_distribution_reference.json#TestFullNameRegexp", reason: GO_EXPRESSIONS },
  { table: "tbl_distribution_reference.json#TestReferenceSorting", reason: "there is no such order in the project" },
  { table: "tbl_distribution_reference.json#TestWithNameFailure", reason: "names without their tag are not read by themselves" },
  { table: "tbl_distribution_reference.json#TestDomainAndPath", reason: "of names that are not normalised; here every name is" },
  { table: "tbl_distribution_reference.json#TestSerialization", reason: "of names that are not normalised; here every name is" },
  { table: "tbl_distribution_reference.json#TestReferenceParse", rows: isNotNormalized, reason: "of names that are not normalised; here every name is" },
  { table: "tbl_distribution_reference.json#TestParseAnyReference", rows: ({ Equivalent }: { readonly Equivalent: string }) => Equivalent.startsWith("sha256:"), reason: "an image's bare digest is no reference here" },

  { table: "go_functions_oracle.json#cases/units.FromHumanSize", reason: "sizes are read in powers of 1024 only" },
  { table: "go_functions_oracle.json#cases/units.HumanSize", reason: "no output shows such a size" },
  { table: "go_functions_oracle.json#cases/units.BytesSize", reason: "no output shows such a size" },
  { table: "go_functions_oracle.json#cases/units.HumanSizeWithPrecision3", reason: "no output shows such a size" },
  { table: "go_functions_oracle.json#cases/units.HumanDuration", reason: "no output shows such a duration" },
  { table: "go_functions_oracle.json#cases/path.Dir", reason: "the project has no such function" },
  { table: "tbl_go_units.json#TestGetRlimit", reason: "numbers of limits are the container runtime's" },
  { table: "tbl_go_csvvalue.json#testFieldsCase", reason: "a literal of the test's helper, without input" },
  { table: "tbl_ignorefile.json#TestReadAll", reason: "results without their input; patternmatcher_oracle.json has both" },
  { table: "tbl_patternmatcher.json#TestMatches", rows: (row: TaggedRow) => typeof row.text !== "string", reason: "a literal of the test's helper, without input" },
  { table: "tbl_patternmatcher.json#testCompile", reason: "Go's regular expressions: patterns are compiled to something else here" },
  { table: "tbl_sys_signal.json#TestCatchAll", reason: "needs a process that receives signals" },
  { table: "tbl_sys_signal.json#TestValidSignalForPlatform", reason: "no such function: a number is taken as it is" },
  { table: "imagetools_format.json#cases", rows: isPlainStruct, reason: "the recording's record of several platforms has no methods; buildx's has" },
];

function isNotNormalized({ err, domain }: { readonly err?: unknown; readonly domain: string }): boolean {
  return err !== undefined || domain === "" || !/[.:]|localhost/.test(domain);
}

function isPlainStruct({ data, error }: { readonly data: string; readonly error?: string }): boolean {
  return data === "multi" && error?.includes("in type main.tplInputs") === true && !error.includes("field Foo");
}
