import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { LINE_MAP } from "../../src/provenance/line-map.ts";

/** One manifest with what it names, as texts: whoever compares decides what may differ. */
export interface ManifestDocuments {
  readonly text: string;
  readonly digest: string;
  readonly config: string;
  /** Statements of an attestation manifest; an image's layers are not read. */
  readonly statements: readonly string[];
}

/** All documents of one image: of a sample, or out of a registry. */
export interface ImageDocuments {
  readonly rootMediaType: string;
  /** Undefined where the tag names a manifest. */
  readonly index: string | undefined;
  /** In the order of the index. */
  readonly manifests: readonly ManifestDocuments[];
}

interface Index {
  readonly manifests: ReadonlyArray<{ readonly digest: string }>;
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: ReadonlyArray<{ readonly mediaType: string; readonly digest: string }>;
}

/** A folder `registry/` of the samples. */
export function sampleDocuments(registry: string): ImageDocuments {
  const files = readdirSync(registry);
  const read = (file: string): string => readFileSync(join(registry, file), "utf8");
  const [, rootDigest = "", rootMediaType = ""] = read("ROOT").trim().split(" ");
  const documentsOf = (name: string, digest: string): ManifestDocuments => {
    const statements = files.filter((file) => file.startsWith(`${name}.layer`) && file.endsWith(".json"));
    return { text: read(`${name}.json`), digest, config: read(`${name}.config.json`), statements: statements.toSorted().map(read) };
  };
  if (!existsSync(join(registry, "index.json"))) return { rootMediaType, index: undefined, manifests: [documentsOf("manifest", rootDigest)] };
  const index = read("index.json");
  const manifests = (JSON.parse(index) as Index).manifests.map(({ digest }, i) => {
    const name = files.find((file) => file.startsWith(`manifest${i}-`) && file.split(".").length === 2)?.replace(".json", "") ?? "";
    return documentsOf(name, digest);
  });
  return { rootMediaType, index, manifests };
}

const ACCEPT = ["oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2", "docker.distribution.manifest.list.v2"].map((type) => `application/vnd.${type}+json`).join(", ");

/** A manifest without the statement that only we write, which maps layers to lines (docs/line-map.md). */
function withoutLineMap(text: string): string {
  const manifest = JSON.parse(text) as { readonly layers: ReadonlyArray<{ readonly annotations?: Readonly<Record<string, string>> }> };
  const layers = manifest.layers.filter(({ annotations }) => annotations?.["in-toto.io/predicate-type"] !== LINE_MAP);
  return layers.length === manifest.layers.length ? text : JSON.stringify({ ...manifest, layers });
}

/** What a registry without a login has under `repository:reference`, but for what only we say. */
export async function registryDocuments(host: string, repository: string, reference: string): Promise<ImageDocuments> {
  const get = async (path: string): Promise<Response> => {
    const response = await fetch(`http://${host}/v2/${repository}/${path}`, { headers: { accept: ACCEPT } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const documentsOf = async (written: string, digest: string): Promise<ManifestDocuments> => {
    const text = withoutLineMap(written);
    const { config, layers } = JSON.parse(text) as Manifest;
    const blob = async (name: string): Promise<string> => await (await get(`blobs/${name}`)).text();
    const statements = layers.filter(({ mediaType }) => mediaType === "application/vnd.in-toto+json");
    return { text, digest, config: await blob(config.digest), statements: await Promise.all(statements.map((layer) => blob(layer.digest))) };
  };
  const root = await get(`manifests/${reference}`);
  const rootMediaType = root.headers.get("content-type") ?? "";
  const text = await root.text();
  if (!("manifests" in (JSON.parse(text) as object))) return { rootMediaType, index: undefined, manifests: [await documentsOf(text, root.headers.get("docker-content-digest") ?? "")] };
  const manifests = (JSON.parse(text) as Index).manifests.map(async ({ digest }) => await documentsOf(await (await get(`manifests/${digest}`)).text(), digest));
  return { rootMediaType, index: text, manifests: await Promise.all(manifests) };
}
