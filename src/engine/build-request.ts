import type { Compat } from "../export/compat.ts";
import type { DirectoryScout } from "../host/directory-scout.ts";
import type { Environment } from "../host/environment.ts";
import type { FoundCredential } from "../registry/credential.ts";
import type { SecretsInEvidence } from "./build-plan.ts";
import type { SandboxChoice } from "./engine.ts";

export type { Compat };

/** A context that is not named, but given: `stream` is looked at to tell what it is, the others say it. */
export type StreamContext =
  | { readonly stream: AsyncIterable<Uint8Array> }
  | { readonly archive: AsyncIterable<Uint8Array> }
  | { readonly empty: true };

/** What a caller asks for. What is left out has the default that is named; the words are those of `docker buildx build`. */
export interface BuildRequest {
  /**
   * What COPY and ADD read from: an absolute path of a directory; a Git repository, or the `https://` address of an archive or a
   * Dockerfile; or bytes, of an archive or of a Dockerfile that needs no context.
   */
  readonly context: string | StreamContext;
  /** Looks at the context already (`scoutDirectory`): the build's from now on. What it saw counts as seen when the build began. */
  readonly scout?: DirectoryScout;
  /**
   * Absolute path, an `https://` or `http://` address, or the text itself; in a context that is not a directory of this machine, the path in it.
   * Default: `Dockerfile` in the context.
   */
  readonly dockerfile?: string | { readonly text: Uint8Array };
  /** Names of the image, as `-t`. */
  readonly tags?: readonly string[];
  /** Stage to build. Default: the last one. */
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `[type[platform]:]key=value`. */
  readonly annotations?: readonly string[];
  /** Name → directory, `docker-image://…`, `oci-layout://…`, `https://…` or a Git repository. Relative directories are of `workingDirectory`. */
  readonly buildContexts?: Readonly<Record<string, string>>;
  /** Such as `linux/amd64`. Default: this machine's. */
  readonly platforms?: readonly string[];
  readonly noCache?: boolean;
  /** Stages not to be taken from the cache, by name. Not together with `noCache`. */
  readonly noCacheStages?: readonly string[];
  /** As `--cache-from`: results that others made, `type=registry,ref=…`, `type=local,src=…`, or the name of an image. */
  readonly cacheFrom?: readonly string[];
  /** As `--cache-to`: where the results of this build go, `type=inline`, `type=registry,ref=…,mode=max`, `type=local,dest=…`. */
  readonly cacheTo?: readonly string[];
  readonly pull?: boolean;
  /** `host=ip`, for the names that a RUN looks up. */
  readonly extraHosts?: readonly string[];
  /** Of /dev/shm in a RUN: `128m`. Default: 64m. */
  readonly shmSize?: string;
  /** `nofile=1024:2048`, soft and hard, for the processes of a RUN. */
  readonly ulimits?: readonly string[];
  /**
   * What each RUN is held to, as `--resource`: `memory=512m`, `memory-swap=1g` (or -1), `cpu-shares=512`, `cpu-period=100000` and
   * `cpu-quota=50000` (microseconds), `cpuset-cpus=0-1`, `cpuset-mems=0`. Of one key the last counts. It takes root and runc or crun.
   */
  readonly resources?: readonly string[];
  /** Control group in which those of RUNs are made: a path below the root of control groups, made where it is not there. */
  readonly cgroupParent?: string;
  /** Network of RUN. `default` is the host's. */
  readonly network?: "default" | "none" | "host";
  /** Lets steps reach the network through a proxy of the build's own only, so that what they fetch is in the record. A policy can ask for it, too. */
  readonly proxyNetwork?: boolean;
  /**
   * What steps may ask for, as `--allow`: `network.host`, `security.insecure`, `device`, `device=NAME[,alias=OTHER]`. A network of
   * `host` brings its own.
   */
  readonly allow?: readonly string[];
  /** Secrets by id, asked for when a step needs them. */
  readonly secrets?: Readonly<Record<string, (signal: AbortSignal) => Promise<Uint8Array>>>;
  /** Secrets as `--secret` has them: `id=…,src=…`. */
  readonly secretFlags?: readonly string[];
  /** Ssh agents as `--ssh` has them: `default` (of SSH_AUTH_SOCK), `ID=SOCKET` or `ID=KEY,KEY`. */
  readonly ssh?: readonly string[];
  /** Who to be at a registry. Default: Docker's configuration files and helpers, found through `env`. */
  readonly credentials?: (host: string, signal: AbortSignal) => Promise<FoundCredential | undefined>;
  /** As `--output`. Default: the image stays in the store. */
  readonly outputs?: readonly string[];
  /** Push to the registry of each tag. */
  readonly push?: boolean;
  /** Give the image to the Docker engine that `env` names, by DOCKER_HOST or a context, or the one of this machine: an output of `type=docker` without `dest`. */
  readonly load?: boolean;
  /** As `--attest`. */
  readonly attest?: readonly string[];
  /** As `--sbom`: `true`, `format=cyclonedx`, `generator=IMAGE`. Default: none. */
  readonly sbom?: string;
  /** As `--provenance`: `mode=max`, `true`, `false`. Default: `mode=min,inline-only=true`. */
  readonly provenance?: string;
  /** False: no map from layers to lines beside a provenance of `mode=min`. Default: true. */
  readonly lineMap?: boolean;
  /**
   * Where the statements about an image go: `index` (beside it in an index), `referrers` (found by asking the registry what refers to
   * it; the tag points at what it would without them), `both`, `file:DIRECTORY`, or `none`. Default: `index`.
   */
  readonly attestStore?: string;
  /** A consumer that images have to be fit for; what does not go with it is an error. */
  readonly compat?: Compat;
  /**
   * When a provenance gets an id and times of its own: in each run, as with BuildKit, or only where it says something else than
   * an earlier one; with SOURCE_DATE_EPOCH, its times are that, and its id follows from what it says. Default: `changed`.
   */
  readonly attestRun?: "always" | "changed";
  /**
   * Directory whose `*.json` files add members to each provenance, as BuildKit's `provenanceEnvDir`. Default: that of the settings
   * file, else `/etc/buildkit/provenance.d`, or for others than root `buildkit/provenance.d` in their configuration directory.
   */
  readonly provenanceEnvDir?: string;
  /**
   * Build twice, the second time without any cache and in other directories, and publish only where both builds gave the
   * same bytes. Else the build fails with the code `not-reproducible`, and says what differs.
   */
  readonly reproducible?: boolean;
  /**
   * Secrets in provenance, history, metadata and log: masked, a reason to refuse the build before anything is published, or left as
   * they are. Values that the image itself needs are never changed: they are reported, or refused. Default: `redact`.
   */
  readonly secretsInEvidence?: SecretsInEvidence;
  /** `drop` leaves the values of build arguments out of the image's history, where BuildKit writes them. Default: `keep`. */
  readonly historyArgs?: "keep" | "drop";
  /**
   * As `--policy`: `filename=policy.rego`, `reset=true`, `disabled=true`, `log-level=debug`. A file is one of the context, or with
   * `cwd://` one of `workingDirectory`. `<Dockerfile>.rego` beside the Dockerfile is asked without being named.
   */
  readonly policies?: readonly string[];
  readonly sandbox?: SandboxChoice;
  /** Directory of state; absolute. Any number of builds and processes may share it. */
  readonly root: string;
  /** All that is read of an environment: proxies, credentials, Git and Docker settings. */
  readonly env: Environment;
  /** What relative paths in `outputs`, `buildContexts`, `secretFlags`, `provenanceEnvDir`, `cacheFrom`, `cacheTo` and `ssh` are relative to; absolute. Default: the context, where it is a directory. */
  readonly workingDirectory?: string;
  /** Takes the bytes of an output that goes to `-`. */
  readonly stdout?: (chunk: Uint8Array) => Promise<void>;
  /** Operations at a time. Default: the number of processors, at least four. */
  readonly parallelism?: number;
  readonly signal?: AbortSignal;
}
