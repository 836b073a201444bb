/** Loaded before every test file by tools/test.ts: what a test runs in its own process starts our programs out of the bundle, as the command does. */
import { join } from "node:path";
import { preferProgramsOf } from "../src/host/own-program.ts";

const { STEMMA_TEST_PACKAGE: packed } = process.env;
if (packed !== undefined) preferProgramsOf(join(packed, "dist"));
