import { join } from "node:path";

/** Set by tools/test.ts alone: what is run by itself is run from source, which is never old. */
const { STEMMA_TEST_PACKAGE: packed } = process.env;

/** What Node starts as the command. */
export const COMMAND: string = packed === undefined ? join(import.meta.dirname, "../../src/cli/dev.ts") : join(packed, "bin/stemma.js");
