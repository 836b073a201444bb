import { detectSyntax } from "../directives.ts";
import type { Conversion } from "./conversion.ts";

/** Whether a Dockerfile asks for what is not in the stable language yet: `# syntax=docker/dockerfile:1-labs`, or BUILDKIT_SYNTAX. */
export function isLabsChannel({ buildArgs, sourceFile }: Pick<Conversion, "buildArgs" | "sourceFile">): boolean {
  const [asked = ""] = (buildArgs.get("BUILDKIT_SYNTAX") ?? "").trim().split(" ");
  const syntax = asked === "" ? (detectSyntax(sourceFile.data)?.ref ?? "") : asked;
  return /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?:(?:[\w.]+-)?labs$/.test(syntax);
}
