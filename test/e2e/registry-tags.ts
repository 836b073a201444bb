/** The tags that a registry on this machine has of a repository, asked without our own code. */
export async function registryTags(host: string, repository: string, user?: { readonly username: string; readonly password: string }): Promise<readonly string[]> {
  const headers = user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user.username}:${user.password}`).toString("base64")}` };
  const answer = await fetch(`http://${host}/v2/${repository}/tags/list`, { headers });
  if (answer.status === 404) return [];
  if (!answer.ok) throw new Error(`${host} answers ${answer.status}`);
  // The distribution spec's form; null where all tags were removed.
  return ((await answer.json()) as { readonly tags: readonly string[] | null }).tags ?? [];
}
