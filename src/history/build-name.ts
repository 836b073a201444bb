import { basename } from "node:path";

/** `app`, `app (target)`, `app/other.Dockerfile`: the repository or the directory, with what is not as usual. */
export function buildName(attributes: Readonly<Record<string, string>>, context: string): string {
  const own = attributes["build-arg:BUILDKIT_BUILD_NAME"];
  if (own !== undefined && own !== "") return own;
  const source = attributes["vcs:source"] ?? context.replace(/#.*$/s, "");
  const place = basename(source).replace(/\.git$/, "") || source;
  const filename = attributes["filename"] ?? "Dockerfile";
  const target = attributes["target"];
  return `${place}${filename === "Dockerfile" ? "" : `/${filename}`}${target === undefined ? "" : ` (${target})`}`;
}
