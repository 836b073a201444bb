/** A provenance statement of SLSA v1, as far as tests look into it. */
export interface PushedStatement {
  readonly predicateType: string;
  readonly subject: ReadonlyArray<{ readonly name: string; readonly digest: Readonly<Record<string, string>> }>;
  readonly predicate: {
    readonly buildDefinition: {
      readonly resolvedDependencies?: ReadonlyArray<{ readonly uri: string; readonly digest: Readonly<Record<string, string>> }>;
      readonly internalParameters: { readonly buildConfig?: unknown };
    };
    readonly runDetails: { readonly metadata: Readonly<Record<string, unknown>> };
  };
}

interface Index {
  readonly manifests: ReadonlyArray<{ readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }>;
}

export interface PushedIndex {
  /** sha256 of the index's bytes. */
  readonly digest: string;
  /** Of the image manifests. */
  readonly images: readonly string[];
  /** Of the attestation manifests, in their order. */
  readonly attestations: readonly string[];
  /** Those of provenance. */
  readonly statements: readonly PushedStatement[];
}

const ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";

/** What a tag of a registry on this machine points at, read without our own code. */
export async function pushedIndex(host: string, repository: string, tag: string): Promise<PushedIndex> {
  const get = async (path: string): Promise<Response> => {
    const answer = await fetch(`http://${host}/v2/${repository}/${path}`, { headers: { accept: ACCEPT } });
    if (!answer.ok) throw new Error(`${path}: ${host} answers ${answer.status}`);
    return answer;
  };
  const bytes = new Uint8Array(await (await get(`manifests/${tag}`)).arrayBuffer());
  // Of the image specification's forms, here and below: a test that meets others fails.
  const { manifests } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Index;
  const isAttestation = ({ annotations }: Index["manifests"][number]): boolean => annotations?.["vnd.docker.reference.type"] === "attestation-manifest";
  const attestations = manifests.filter(isAttestation).map(({ digest }) => digest);
  const statements: PushedStatement[] = [];
  for (const digest of attestations) {
    const { layers } = (await (await get(`manifests/${digest}`)).json()) as { readonly layers: ReadonlyArray<{ readonly digest: string }> };
    for (const layer of layers) {
      const statement = (await (await get(`blobs/${layer.digest}`)).json()) as PushedStatement;
      if (statement.predicateType.startsWith("https://slsa.dev/provenance/")) statements.push(statement);
    }
  }
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  return { digest: `sha256:${digest}`, images: manifests.filter((each) => !isAttestation(each)).map((each) => each.digest), attestations, statements };
}

/** The metadata of the one record of provenance there. */
export async function pushedMetadata(host: string, repository: string, tag: string): Promise<Readonly<Record<string, unknown>>> {
  const pushed = await pushedIndex(host, repository, tag);
  const statements = pushed.statements.filter(({ predicateType }) => predicateType.startsWith("https://slsa.dev/provenance/"));
  const [only] = statements;
  if (only === undefined || statements.length > 1) throw new Error(`${statements.length} statements`);
  return only.predicate.runDetails.metadata;
}
