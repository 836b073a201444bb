import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { gitOptions, withGitOptions } from "../git/git-options.ts";
import { isGitProblem, readGitFacts, type GitFacts, type GitProblem } from "../git/git-facts.ts";
import { formatOf } from "../git/object-id.ts";
import { layerResultCache } from "../cache/layer-result-cache.ts";
import type { Digest } from "../content/digest.ts";
import type { WriteStdout } from "../export/file-destination.ts";
import { openRemoteFiles } from "../frontend/dockerfile/build.ts";
import { downloadDockerfile, DOWNLOADED_NAME } from "../frontend/dockerfile/download-dockerfile.ts";
import { systemClock } from "../host/clock.ts";
import { hostPlatform } from "../host/host-platform.ts";
import { openHttpClient, type HttpClient } from "../host/http-client.ts";
import type { ReportEvent } from "../progress/event.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { JsonObject } from "../provenance/json-tree.ts";
import { openRegistryClient, type RegistryClient } from "../registry/registry-client.ts";
import { defaultCredentials } from "../registry/default-credentials.ts";
import { readRegistryConfig, withInsecureRegistry } from "../registry/registry-config.ts";
import { sampleMachine } from "../sandbox/usage/system-usage.ts";
import type { Sampling } from "../sandbox/usage/sampling.ts";
import { directoryId } from "../store/use-counts.ts";
import { imageUses } from "./image-uses.ts";
import { knownHashes } from "../store/known-hashes.ts";
import { openEmbeddedSession } from "../session/embedded-session.ts";
import type { Session } from "../session/session.ts";
import { GitSource } from "../source/git.ts";
import type { Grants } from "../ops/entitlements.ts";
import { runsPrograms } from "../ops/runs-programs.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { CacheKey } from "../solver/cache-key.ts";
import type { Sharing } from "../solver/shared-cache.ts";
import type { ResultCache } from "../solver/result-cache.ts";
import type { KeyHistory } from "../solver/miss-reason.ts";
import type { Vertex } from "../solver/operation.ts";
import { Semaphore } from "../solver/semaphore.ts";
import { whileLocked } from "../syscall/path-lock.ts";
import type { BuildContext, ScrubbedContext } from "./build.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildServices } from "./build-services.ts";
import { importCaches, type CacheImports, type ClientFor } from "./cache-imports.ts";
import { defaultCgroupParent } from "./cgroup-settings.ts";
import { ContextWalks, lentDirectories } from "./directories.ts";
import { cdiDevices } from "./cdi-settings.ts";
import type { Engine } from "./engine.ts";
import { explainFailure, type Seen } from "./explain-failure.ts";
import { frontendAttributes } from "./frontend-attributes.ts";
import { frontendRequest } from "./frontend-request.ts";
import { engineGateway } from "./gateway.ts";
import { httpGet } from "./http-get.ts";
import { imageSources, type ImageSources } from "./image-sources.ts";
import { LayerFetches } from "./layer-fetches.ts";
import { keyHistory } from "./key-history.ts";
import { localSources } from "./locals.ts";
import { dockerfileName } from "./planned-dockerfile.ts";
import { provenanceEnvironment } from "./provenance-environment.ts";
import type { PublishMeans } from "./publish-context.ts";
import { imagePusher } from "./push-image.ts";
import { RequestTrail } from "./request-trail.ts";
import { NetworkProxies } from "./network-proxies.ts";
import { openGate } from "./open-gate.ts";
import { settingsPath } from "./settings-path.ts";
import { sourceFacts } from "./source-facts.ts";
import { signatureVerifier } from "./verify-signature.ts";
import { OPEN_GATE } from "./source-gate.ts";
import { withUpload } from "./stream-context.ts";
import { StepReporter } from "./step-reporter.ts";

/** Everything that one build works with. Disposing closes its connections. */
export interface BuildMeans extends AsyncDisposable {
  readonly id: string;
  readonly startedNs: bigint;
  readonly engine: Engine;
  readonly session: Session;
  readonly report: ReportEvent;
  readonly services: BuildServices;
  readonly cache: ResultCache<LayerChain>;
  readonly sharing: Sharing<LayerChain> | undefined;
  readonly imports: CacheImports;
  readonly clientFor: ClientFor;
  readonly http: HttpClient;
  readonly semaphore: Semaphore;
  readonly made: Map<CacheKey, readonly LayerChain[]>;
  readonly keys: KeyHistory<Vertex<LayerChain>>;
  readonly maskName: (name: string) => string;
  readonly publish: PublishMeans;
  /** The request to the frontend, with what git adds. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly git: GitFacts | GitProblem | undefined;
  /** Whether a part of the result is out of our hands. */
  readonly wroteStdout: () => boolean;
  /** Measures the whole machine for as long as the build runs; undefined: nobody asked. */
  readonly machineUsage: Sampling | undefined;
  /** What the operator adds to each record. */
  readonly custom: JsonObject;
  /** For who explains a failure. */
  readonly seen: Seen;
  readonly requests: RequestTrail;
  readonly onGraph: (graph: LlbGraph) => void;
  /** Told of each file that the frontend reads. */
  readonly onRead: (path: string, bytes: Uint8Array) => void;
  readonly env: BuildContext["request"]["env"];
  /** The context, where it came as an archive: its bytes can be read once, and are in the store from then on. */
  readonly archive: Digest | undefined;
  /** What the session lends of it, once it has come. */
  readonly downloaded: Map<string, Uint8Array>;
}

export async function openBuildMeans(plan: BuildPlan, context: ScrubbedContext, signal: AbortSignal): Promise<BuildMeans> {
  await using opening = new AsyncDisposableStack();
  const means = opening.use(await openUngated(plan, context, signal));
  const { services } = means;
  const gate = await openGate(plan, {
    steps: services.steps,
    clock: systemClock,
    facts: async (wanted, factsSignal) => await sourceFacts(wanted, { ...services, env: context.request.env }, factsSignal),
    verifier: (source, awaited) => signatureVerifier(source, { services, awaited, clock: systemClock, workspace: context.engine.state.workspace, env: context.request.env }),
    // Who is to be asked about a context is in it.
    async openContext(contextSignal) {
      const gateway = engineGateway({ ...means, services: { ...services, pins: new Map() }, onGraph: () => undefined }, () => undefined);
      try {
        return await openRemoteFiles(gateway, frontendRequest(means, means.attributes, new Map()), contextSignal);
      } catch (error) {
        // It would have failed as the build's context, and is told as that.
        throw explainFailure(error, means.seen);
      }
    },
  }, signal);
  const proxies = plan.proxyNetwork || gate.wantsProxy ? new NetworkProxies(context.request.env) : undefined;
  const gated = { ...means, services: { ...services, gate, proxies } };
  if (plan.dockerfile.kind === "remote") await download(plan.dockerfile.url, gated, signal);
  opening.move();
  return gated;
}

/** The Dockerfile: a source like others, asked about at the gate and among the materials. The session lends it from then on. */
async function download(url: string, means: BuildMeans, signal: AbortSignal): Promise<void> {
  const gateway = engineGateway(means, means.onRead);
  try {
    means.downloaded.set(DOWNLOADED_NAME, await downloadDockerfile(url, { gateway, request: frontendRequest(means, means.attributes, new Map()) }, signal));
  } catch (error) {
    throw explainFailure(error, means.seen);
  }
}

async function openUngated(plan: BuildPlan, { id, startedNs, engine, request, report, log }: ScrubbedContext, signal: AbortSignal): Promise<BuildMeans> {
  await using opening = new AsyncDisposableStack();
  const { env } = request;
  const custom = await provenanceEnvironment(plan.provenanceEnvDir, env);
  const stateRoot = await realpath(request.root);
  const walks = opening.use(new ContextWalks(stateRoot));
  const downloaded = new Map<string, Uint8Array>();
  const lent = opening.use(await openEmbeddedSession({ directories: lentDirectories(plan, { stateRoot, scout: request.scout, walks, downloaded }), secrets: plan.secrets, agents: plan.agents, environment: env }, signal));
  const session = log.learning(lent);
  const { registry, clientFor } = await openRegistry(request, opening);
  const http = opening.use(openHttpClient(env));
  const steps = new StepReporter(report, systemClock, signal);
  const archive = plan.context.kind === "archive" ? (await engine.state.blobs.ingest(plan.context.bytes, signal)).digest : undefined;
  const fetches = new LayerFetches(steps);
  const images = imageSources(plan, { registry, state: engine.state, layers: engine.layers, fetches });
  const { attributes, facts } = await describeRequest(plan, { env, report }, signal);
  const capturesUsage = plan.provenance?.captureUsage === true;
  const machineUsage = capturesUsage ? opening.use(sampleMachine()) : undefined;
  const grants = { allowed: plan.allowed, devices: cdiDevices(settingsPath(env)), defaultCgroupParent: defaultCgroupParent(settingsPath(env)) };
  const services = buildServices({ engine, session, grants, capturesUsage, steps, fetches, images, get: withUpload(httpGet(http), archive, engine.state.blobs), git: facts, findsSecrets: plan.secretsInEvidence !== "allow", env });
  const seen: Seen = { graphs: [], files: new Map(), failedStep: () => steps.failedName, lastLines: (step) => steps.lastLines(step), dockerfileName: dockerfileName(plan.dockerfile) };
  const imports = opening.use(await importCaches(plan.cache.imports, { clientFor, http, steps, report, layers: engine.layers, facts: engine.state.facts, findBase: images.findLayer, passing: (descriptor, bytes) => fetches.shown(descriptor, bytes) }, signal));
  let hasWritten = false;
  const closing = opening.move();
  return {
    imports, clientFor, http,
    wroteStdout: () => hasWritten,
    sharing: plan.cache.imports.length + plan.cache.exports.length === 0 ? undefined : { cache: imports.cache, tells: plan.cache.exports.length > 0 },
    id, startedNs,
    engine, session, report, services, attributes, env, archive, downloaded, custom, machineUsage,
    git: facts,
    seen,
    onGraph: (graph) => void seen.graphs.push(graph),
    onRead(path, bytes) {
      seen.files.set(path, bytes);
      // The frontend falls back to the lower-case name, and keeps calling it by the other.
      if (path === seen.dockerfileName || path === seen.dockerfileName.toLowerCase()) log.learnDockerfile(Buffer.from(bytes).toString("utf8"));
    },
    cache: layerResultCache({ database: engine.state.database, layers: engine.layers, remote: images.findLayer }),
    requests: new RequestTrail(),
    semaphore: new Semaphore(plan.parallelism),
    made: new Map(),
    keys: keyHistory(engine.state.database, plan),
    maskName: (name) => log.text(name),
    publish: { serialise: { layers: engine.layers, blobs: engine.state.blobs, facts: engine.state.facts }, openPush: imagePusher({ clientFor, steps, report }), steps, stdout: async (chunk) => {
      hasWritten = true;
      await (request.stdout ?? refuseStdout)(chunk);
    }, clock: systemClock, whileLocked },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function openRegistry({ env, credentials }: BuildContext["request"], opening: AsyncDisposableStack): Promise<{ readonly registry: RegistryClient; readonly clientFor: ClientFor }> {
  const config = await readRegistryConfig(settingsPath(env));
  const store = credentials === undefined ? defaultCredentials(env) : { places: "the caller of the library", find: credentials };
  const registry = opening.use(openRegistryClient({ credentials: store, config, env }));
  const closing = opening.use(new AsyncDisposableStack());
  const insecure = new Map<string, RegistryClient>();
  const clientFor: ClientFor = ({ reference, insecure: isInsecure }) => {
    if (!isInsecure) return registry;
    const known = insecure.get(reference.domain) ?? closing.use(openRegistryClient({ credentials: store, config: withInsecureRegistry(config, reference.domain), env }));
    insecure.set(reference.domain, known);
    return known;
  };
  return { registry, clientFor };
}

interface ServiceParts {
  readonly engine: Engine;
  readonly session: Session;
  readonly steps: StepReporter;
  readonly fetches: LayerFetches;
  readonly images: ImageSources;
  readonly get: BuildServices["http"]["get"];
  readonly git: BuildMeans["git"];
  readonly findsSecrets: boolean;
  readonly capturesUsage: boolean;
  readonly grants: Grants;
  readonly env: BuildContext["request"]["env"];
}

function buildServices({ engine, session, grants, steps, fetches, images, get, git, findsSecrets, capturesUsage, env }: ServiceParts): BuildServices {
  const { state, layers } = engine;
  const hashes = knownHashes(state.database);
  const commit = git === undefined || isGitProblem(git) ? undefined : git.commit;
  return {
    platform: hostPlatform(),
    images: images.registry,
    layouts: images.layout,
    imageUses: imageUses(state.database),
    locals: localSources({ session, database: state.database, blobFormat: commit === undefined ? undefined : formatOf(commit), findsSecrets }),
    git: new GitSource({ directory: join(state.root, "git"), hold: (path) => void state.leases.hold(path), workspace: state.workspace, layers, session, env }),
    http: { get, blobs: state.blobs, layers, database: state.database, fetched: new Map() },
    exec: {
      hashes,
      layers, session, grants, facts: state.facts, clock: systemClock, machine: hostPlatform(), runs: runsPrograms(state.workspace), namespace: engine.namespace, sandbox: engine.sandbox, withoutNamespaces: engine.withoutNamespaces,
      cacheDirectory: join(state.root, "cache-mounts"), onCacheUsed: (path) => void state.usedCaches.add(directoryId(path)), workspace: state.workspace,
    },
    file: { layers, facts: state.facts, clock: systemClock, hashes },
    gate: OPEN_GATE,
    proxies: undefined,
    admitted: new Map(),
    pins: new Map(),
    resolved: [],
    containers: [],
    looked: [],
    steps,
    fetches,
    usage: capturesUsage ? new Map() : undefined,
  };
}

/** The words of the request. Git's facts are claims until the bytes were compared (check-commit.ts). */
async function describeRequest(plan: BuildPlan, { env, report }: { readonly env: BuildContext["request"]["env"]; readonly report: ReportEvent }, signal: AbortSignal): Promise<{ attributes: ReadonlyMap<string, string>; facts: BuildMeans["git"] }> {
  const dockerfile = plan.dockerfile.kind === "file" ? join(plan.dockerfile.directory, plan.dockerfile.name) : undefined;
  // Of what comes from elsewhere, a repository in the current directory says nothing.
  const facts = plan.context.kind === "directory" ? await readGitFacts(plan.context.path, dockerfile, env, signal) : undefined;
  if (facts !== undefined && isGitProblem(facts)) report({ kind: "notice", message: `WARNING: current commit information was not captured by the build: ${facts.problem}` });
  const asked = Object.fromEntries(frontendAttributes(plan));
  const attributes = new Map(Object.entries(withGitOptions(asked, gitOptions(facts, env))));
  return { attributes, facts };
}

/** planBuild refuses an output that would need it. */
const refuseStdout: WriteStdout = async () => {
  throw new RangeError("nobody takes standard output");
};
