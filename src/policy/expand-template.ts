/** `$1`, `${1}` and `${name}` in Go's way: the longest name counts, and what is no group is nothing. */
export function expandTemplate(template: string, match: RegExpExecArray | RegExpMatchArray): string {
  return template.replace(/\$\$|\$(?:([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})/g, (whole: string, bare: string | undefined, braced: string | undefined) => {
    if (whole === "$$") return "$";
    const name = bare ?? braced ?? "";
    return (/^[0-9]+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? "";
  });
}
