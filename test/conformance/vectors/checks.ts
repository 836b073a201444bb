import { FUNCTION_CHECKS } from "./go-functions.ts";
import { GIT_CHECKS } from "./git-references.ts";
import { INSTRUCTION_CHECKS } from "./instructions.ts";
import { PARSER_CHECKS } from "./parser.ts";
import { PATTERN_CHECKS } from "./patterns.ts";
import { PLATFORM_CHECKS } from "./platforms.ts";
import { REFERENCE_CHECKS } from "./references.ts";
import type { RowChecks } from "./row-check.ts";
import { SHELL_CHECKS } from "./shell.ts";
import { TEMPLATE_CHECKS } from "./templates.ts";

/** One check for each table that speaks of a function which the project has. */
export const CHECKS: RowChecks = {
  ...FUNCTION_CHECKS, ...GIT_CHECKS, ...INSTRUCTION_CHECKS, ...PARSER_CHECKS, ...PATTERN_CHECKS, ...PLATFORM_CHECKS, ...REFERENCE_CHECKS, ...SHELL_CHECKS, ...TEMPLATE_CHECKS,
};
