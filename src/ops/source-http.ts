import type { Digest } from "../content/digest.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import { fetchHttpFile, httpKey, httpLayer, type HttpFile, type HttpFileRequest, type HttpSourceServices } from "../source/http.ts";
import { ofCacheKey } from "./source-failure.ts";
import { httpSharedMap } from "./source-shared.ts";

/** ADD of a URL. The server is asked in every build whether the file is still the same, and sends it again only if not. */
export function httpOperation(request: HttpFileRequest, services: HttpSourceServices, onPinned: (digest: Digest) => void): Operation<LayerChain> {
  const fetch = (signal: AbortSignal): Promise<HttpFile> => fetchHttpFile(request, services, signal);
  return {
    async cacheMap(signal) {
      const file = await ofCacheKey(() => fetch(signal));
      onPinned(file.digest);
      return { digest: httpKey(request, file), contentOf: [], reusable: true, shared: () => httpSharedMap(request, file) };
    },
    execute: async (_inputs, signal) => [[await httpLayer(request, await fetch(signal), services, signal)]],
  };
}
