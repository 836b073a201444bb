/** A name as package-url has it: the scope, with its `@`, is the namespace. Undefined for what can be no name. */
export function npmName(full: string): { readonly namespace: string | undefined; readonly name: string } | undefined {
  const [, namespace, name] = /^(?:(@[^/\s]+)\/)?([^/\s@][^/\s]*)$/.exec(full) ?? [];
  return name === undefined ? undefined : { namespace, name };
}

/** Splits `@scope/name@rest`, `name@rest` or a name alone. */
export function splitAtVersion(text: string): { readonly name: string; readonly rest: string | undefined } {
  const at = text.indexOf("@", 1);
  return at < 0 ? { name: text, rest: undefined } : { name: text.slice(0, at), rest: text.slice(at + 1) };
}
