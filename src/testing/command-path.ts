import { join } from "node:path";

/** Set by tools/test.ts alone: what is run by itself is run from source, which is never old. */
const { STEMMA_TEST_PACKAGE: packed, NODE_COMPILE_CACHE: cache, GLIBC_TUNABLES: tunables } = process.env;

/** What Node starts as the command. */
export const COMMAND: string = packed === undefined ? join(import.meta.dirname, "../cli/dev.ts") : join(packed, "bin/stemma.js");

/** For the environment of a process that loads our code: without, each compiles all of it anew, which takes longer than most of what a test asks of it. With it what tools/test.ts says of memory. */
export const COMPILE_CACHE: Readonly<Record<string, string>> = { ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }), ...(tunables === undefined ? {} : { GLIBC_TUNABLES: tunables }) };
