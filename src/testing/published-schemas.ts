import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import formats from "ajv-formats";
import { conformance, type ConformanceFile } from "./conformance.ts";

/** The folder of the schemas that CycloneDX's library ships as they were published. */
const CYCLONEDX: string = join(dirname(createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json")), "res/schema");

/** Of SPDX no package ships it; where it is not beside the project, only our own reading of the specification is checked. */
export const publishedSpdx: ConformanceFile<object> = conformance<object>("schemas/spdx-2.3.schema.json");

/** What the schema says against a document, one line each. */
export function problemsBySpdxSchema(bytes: Uint8Array): string[] {
  const schema = publishedSpdx.read();
  return problems(validator("$schema" in schema ? String(schema.$schema) : "").compile(schema), bytes);
}

/** By bom-1.6.schema.json and those that it refers to. */
export function problemsByCyclonedxSchema(bytes: Uint8Array): string[] {
  return problems(cyclonedx(), bytes);
}

let compiled: ValidateFunction | undefined;

function cyclonedx(): ValidateFunction {
  const read = (name: string): object => JSON.parse(readFileSync(join(CYCLONEDX, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;
  // They refer to each other by the names of these files.
  const referred = ["spdx", "jsf-0.82"].map((name) => ({ ...read(name), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` }));
  return compiled ??= validator().addSchema(referred).compile(read("bom-1.6"));
}

function validator(dialect = ""): Ajv | Ajv2019 {
  // The schemas have members of their own, which say nothing about validity.
  const options = { allErrors: true, strict: false, validateFormats: true };
  const ajv = dialect.includes("2019-09") ? new Ajv2019(options) : new Ajv(options);
  // Its types tell of a module's default what Node gives as the module itself.
  (formats as unknown as (ajv: Ajv | Ajv2019) => void)(ajv);
  ajv.addFormat("idn-email", /^[^\s@]+@[^\s@]+$/);
  ajv.addFormat("iri-reference", { type: "string", validate: (iri: string) => !/[\s<>"{}|\\^`]/.test(iri) });
  return ajv;
}

function problems(validate: ValidateFunction, bytes: Uint8Array): string[] {
  validate(JSON.parse(Buffer.from(bytes).toString("utf8")));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
}
