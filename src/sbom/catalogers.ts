import type { Cataloger } from "./cataloger.ts";
import { apk } from "./catalogers/apk.ts";
import { cargoAuditable } from "./catalogers/cargo-auditable.ts";
import { cargoLock } from "./catalogers/cargo-lock.ts";
import { dpkg } from "./catalogers/dpkg.ts";
import { goProgram } from "./catalogers/go-program.ts";
import { javaArchive } from "./catalogers/java-archive.ts";
import { npm } from "./catalogers/npm.ts";
import { python } from "./catalogers/python.ts";
import { rpm } from "./catalogers/rpm.ts";
import { ruby } from "./catalogers/ruby.ts";

/** All that we have, in the order in which they are asked. */
export const CATALOGERS: readonly Cataloger[] = [dpkg, apk, rpm, npm, python, ruby, javaArchive, cargoLock, cargoAuditable, goProgram];
