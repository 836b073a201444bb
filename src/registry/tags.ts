import { readWhole } from "./manifest-calls.ts";
import { nextPage, PAGES_MAX, parseObject } from "./pages.ts";
import { protocolError } from "./refusal.ts";
import { registryOf, type RepositoryServers } from "./repository-servers.ts";
import { retrying } from "./retry.ts";

/** distribution-spec, "Listing Tags". Mirrors are not asked: what they hold is a part. */
export async function listTags(repository: RepositoryServers, signal: AbortSignal): Promise<readonly string[]> {
  const what = `${repository.name}: tags`;
  const found: string[] = [];
  let target: string | URL | undefined = `${repository.path}/tags/list`;
  for (let page = 0; target !== undefined; page++) {
    if (page === PAGES_MAX) throw protocolError({ what }, `more than ${PAGES_MAX} pages`);
    const at: string | URL = target;
    const { tags, next }: TagPage = await retrying(() => readPage(repository, at, what, signal), signal);
    found.push(...tags);
    target = next;
  }
  return found;
}

interface TagPage {
  readonly tags: readonly string[];
  readonly next: URL | undefined;
}

async function readPage(repository: RepositoryServers, target: string | URL, what: string, signal: AbortSignal): Promise<TagPage> {
  const server = registryOf(repository);
  const response = await server.call({ method: "GET", target, scopes: repository.scopes, what, expected: [200, 404] }, signal);
  if (response.status === 404) {
    await response.discard();
    return { tags: [], next: undefined };
  }
  const { tags } = parseObject(await readWhole(server, response, what, signal), what);
  return { tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [], next: nextPage(response) };
}
