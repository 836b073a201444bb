import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import type { GitRequest } from "../source/git-request.ts";
import type { GitSource } from "../source/git.ts";
import { ofCacheKey } from "./source-failure.ts";
import { gitSharedMap } from "./source-shared.ts";

/** A repository's files. The server is asked in every build what a branch or tag stands for; a commit is fetched once. */
export function gitOperation(request: GitRequest, source: GitSource, onPinned: (hash: string) => void): Operation<LayerChain> {
  return {
    async cacheMap(signal) {
      const resolved = await ofCacheKey(() => source.resolve(request, signal));
      onPinned(resolved.hash);
      return { digest: source.key(request, resolved), contentOf: [], reusable: true, shared: () => gitSharedMap(request, resolved) };
    },
    execute: async (_inputs, signal) => [[await source.layer(request, signal)]],
  };
}
