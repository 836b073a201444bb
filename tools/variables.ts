const READ = /\benv(?:ironment)?\["([A-Z][A-Z0-9_]+)"\]|\bvariable\(env, "([A-Z][A-Z0-9_]+)"/g;

/** Variables of the environment that a source reads and that no document names. Both maps: path → text. */
export function undocumentedVariables(sources: ReadonlyMap<string, string>, documents: ReadonlyMap<string, string>): readonly string[] {
  const documented = new Set([...documents.values()].flatMap((text) => text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []));
  return [...sources].flatMap(([file, text]) =>
    [...new Set([...text.matchAll(READ)].map(([, indexed, named]) => indexed ?? named ?? ""))]
      .filter((name) => !documented.has(name))
      .map((name) => `${file}: reads ${name}, which docs/settings.md does not name`),
  );
}
