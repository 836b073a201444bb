import { webSource } from "../../llb/source-vertex.ts";
import { namedSource, ownDefinition, type FrontendMeans } from "./frontend-source.ts";
import { reading } from "./read-failure.ts";

/** What a Dockerfile is called that has no name of its own: where it comes from an address, or as a text. */
export const DOWNLOADED_NAME = "Dockerfile";

/** A Dockerfile that lies at an address, apart from its context. Throws DockerfileError. */
export async function downloadDockerfile(url: string, means: FrontendMeans, signal: AbortSignal): Promise<Uint8Array> {
  const download = namedSource(webSource({ url, filename: DOWNLOADED_NAME, checksum: "" }), `[internal] load ${url}`);
  const data = await reading("failed to read dockerfile", async () => {
    const result = await means.gateway.solve(ownDefinition(download, means), signal);
    return await result.readFile(DOWNLOADED_NAME, signal);
  }, signal);
  return data ?? new Uint8Array();
}
