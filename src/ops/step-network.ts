import { NetMode, type ExecOp } from "../llb/op.ts";
import type { StepRequests } from "../proxy/captured-requests.ts";
import { AUTHORITIES_PATH, RELAY_PORT, type NetworkMode } from "../sandbox/sandbox.ts";
import { trustInTree } from "../sandbox/trust-bundle.ts";
import type { MountedTree } from "../snapshot/layer-store.ts";

/** The way of one step's requests through us, as the engine opens it. */
export interface StepProxy extends AsyncDisposable {
  /** The socket that listens. */
  readonly path: string;
  /** PEM of the authority that vouches for whom the step asks. */
  readonly certificate: string;
  /** What was asked for, once the step has ended, and how its output tells that. */
  finish(): Promise<{ readonly requests: StepRequests; readonly lines: string }>;
}

/** `variables`: which proxies the step would have used itself; ours does. */
export type OpenStepProxy = (request: { readonly directory: string; readonly variables: Readonly<Record<string, string>> }, signal: AbortSignal) => Promise<StepProxy>;

/** How the processes of a step reach the network. */
export interface StepNetwork extends AsyncDisposable {
  readonly mode: NetworkMode;
  /** A process's variables, with those that lead to the network. */
  environment(env: readonly string[]): readonly string[];
  /** To be called once, when all processes have ended and before the tree is looked at. Undefined where nobody has watched. */
  finish(): Promise<{ readonly requests: StepRequests; readonly lines: string } | undefined>;
}

export interface NetworkRequest {
  readonly network: NetMode;
  /** The variables of the first process: they may name proxies to go through. */
  readonly env: readonly string[];
  readonly root: MountedTree;
  /** Where a socket may lie. */
  readonly directory: string;
}

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] as const;
const DIRECT_VARIABLES = ["NO_PROXY", "no_proxy"] as const;
/** Those lead to proxies of other kinds, which cannot be reached. */
const OTHER_VARIABLES = ["ALL_PROXY", "all_proxy", "FTP_PROXY", "ftp_proxy"];
/** BuildKit's: the step's own loopback. */
const DIRECT = "127.0.0.1,localhost,::1";

/**
 * Where programs look that have a list of their own of whom to trust, or do not look into the tree's file: OpenSSL and what uses it, curl, git,
 * Python's requests (so pip, and the AWS tools), Node.
 */
const TRUST_VARIABLES = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
/** What a step says itself stays. Node's own clients heed no proxy unless they are told to. */
const VARIABLES_DEFAULT = new Map([...TRUST_VARIABLES.map((name) => [name, AUTHORITIES_PATH] as const), ["NODE_USE_ENV_PROXY", "1"]]);

/** The network that the graph asks for. */
export function networkOf({ network }: Pick<ExecOp, "network">): "host" | "none" {
  return network === NetMode.NONE ? "none" : "host";
}

/** `openProxy` is undefined where steps reach the network themselves. The tree trusts the proxy until `finish`. */
export async function openStepNetwork({ network, env, root, directory }: NetworkRequest, openProxy: OpenStepProxy | undefined, signal: AbortSignal): Promise<StepNetwork> {
  const mode = networkOf({ network });
  if (openProxy === undefined || mode === "none") return { mode, environment: (own) => own, finish: () => Promise.resolve(undefined), [Symbol.asyncDispose]: () => Promise.resolve() };
  await using opening = new AsyncDisposableStack();
  const ours = new Set<string>([...PROXY_VARIABLES, ...DIRECT_VARIABLES, ...OTHER_VARIABLES]);
  const isOurs = (line: string): boolean => ours.has(nameOf(line));
  const variables = Object.fromEntries(env.filter(isOurs).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  const proxy = opening.use(await openProxy({ directory, variables }, signal));
  const trust = opening.use(await trustInTree(root, proxy.certificate));
  const closing = opening.move();
  const address = `http://127.0.0.1:${RELAY_PORT}`;
  return {
    mode: { relay: proxy.path, authorities: trust.authorities },
    environment(own) {
      const named = new Set(own.map(nameOf));
      const lacking = [...VARIABLES_DEFAULT].filter(([name]) => !named.has(name)).map(([name, value]) => `${name}=${value}`);
      return [...own.filter((line) => !isOurs(line)), ...PROXY_VARIABLES.map((name) => `${name}=${address}`), ...DIRECT_VARIABLES.map((name) => `${name}=${DIRECT}`), ...lacking];
    },
    async finish() {
      await trust[Symbol.asyncDispose]();
      return await proxy.finish();
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function nameOf(line: string): string {
  return line.split("=", 1)[0] ?? "";
}
