import { goJson } from "../../../content/go-json.ts";
import type { Platform } from "../../../oci/platform.ts";
import type { Range } from "../source-range.ts";

/**
 * An image's configuration while a stage is converted: image-spec's config.md with Docker's members.
 * Only what is named here is kept of a base image, as by BuildKit. Values are changed in place, so
 * each stage has its own copy (`copyImage`).
 */
export interface DockerImage {
  author: string;
  platform: Platform;
  rootfs: { readonly type: string; readonly diffIds: readonly string[] | undefined };
  /** The one list that grows in place: it has an entry for each instruction. */
  readonly history: History[];
  config: DockerConfig;
}

export interface History {
  /** As in the JSON; empty for none. */
  readonly created: string;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly emptyLayer: boolean;
  /** Undefined for an entry of the base image's. */
  readonly origin: HistoryOrigin | undefined;
}

/** What an entry of the history was made from. */
export interface HistoryOrigin {
  /** Lines of the instruction. */
  readonly location: readonly Range[];
  /** `created_by` in its parts. */
  readonly parts: readonly HistoryPart[];
  /** `created_by` without values of build arguments: neither those that a RUN was given, nor those that variables stood for. */
  readonly withoutArgs: string;
}

/** A text, or a variable that is written `name=value`. */
export type HistoryPart = string | { readonly name: string; readonly value: string };

export interface DockerConfig {
  user: string;
  exposedPorts: ReadonlySet<string>;
  env: readonly string[];
  entrypoint: readonly string[];
  cmd: readonly string[];
  volumes: ReadonlySet<string>;
  workingDir: string;
  labels: ReadonlyMap<string, string>;
  stopSignal: string;
  argsEscaped: boolean;
  healthcheck: Healthcheck | undefined;
  onbuild: readonly string[];
  shell: readonly string[];
}

/** Durations in nanoseconds; 0 for none. */
export interface Healthcheck {
  readonly test: readonly string[];
  readonly intervalNs: bigint;
  readonly timeoutNs: bigint;
  readonly startPeriodNs: bigint;
  readonly startIntervalNs: bigint;
  readonly retries: number;
}

export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Says nothing at all: what a stage has that a context of plain files replaces. */
export function blankImage(): DockerImage {
  return { author: "", platform: { os: "", architecture: "" }, rootfs: { type: "", diffIds: undefined }, history: [], config: { ...EMPTY_CONFIG } };
}

/** What `FROM scratch` starts with. */
export function emptyImage(platform: Platform): DockerImage {
  return {
    author: "",
    platform,
    rootfs: { type: "layers", diffIds: undefined },
    history: [],
    config: { ...EMPTY_CONFIG, workingDir: "/", env: platform.os === "windows" ? [] : [DEFAULT_PATH] },
  };
}

/** Members but the history are replaced, never changed within, so that one level is enough. */
export function copyImage(image: DockerImage): DockerImage {
  return { ...image, history: [...image.history], config: { ...image.config } };
}

export const EMPTY_CONFIG: DockerConfig = {
  user: "", exposedPorts: new Set(), env: [], entrypoint: [], cmd: [], volumes: new Set(), workingDir: "", labels: new Map(), stopSignal: "",
  argsEscaped: false, healthcheck: undefined, onbuild: [], shell: [],
};

/** The bytes that Go's encoding/json gives for BuildKit's type; `created` of the image itself is given apart. */
export function encodeImage(image: DockerImage, created = ""): Uint8Array {
  const { platform, rootfs } = image;
  const json = object([
    ["created", textOrNone(created)],
    ["author", textOrNone(image.author)],
    ["architecture", text(platform.architecture)],
    ["os", text(platform.os)],
    ["os.version", textOrNone(platform["os.version"] ?? "")],
    ["os.features", texts(platform["os.features"] ?? [])],
    ["variant", textOrNone(platform.variant ?? "")],
    ["rootfs", object([["type", text(rootfs.type)], ["diff_ids", rootfs.diffIds === undefined ? "null" : `[${rootfs.diffIds.map(text).join(",")}]`]])],
    ["history", image.history.length === 0 ? undefined : `[${image.history.map(encodeHistory).join(",")}]`],
    ["config", encodeConfig(image.config)],
  ]);
  return Buffer.from(json, "utf8");
}

function encodeHistory(entry: History): string {
  return object([
    ["created", textOrNone(entry.created)],
    ["created_by", textOrNone(entry.createdBy)],
    ["author", textOrNone(entry.author)],
    ["comment", textOrNone(entry.comment)],
    ["empty_layer", entry.emptyLayer ? "true" : undefined],
  ]);
}

function encodeConfig(config: DockerConfig): string {
  return object([
    ["User", textOrNone(config.user)],
    ["ExposedPorts", set(config.exposedPorts)],
    ["Env", texts(config.env)],
    ["Entrypoint", texts(config.entrypoint)],
    ["Cmd", texts(config.cmd)],
    ["Volumes", set(config.volumes)],
    ["WorkingDir", textOrNone(config.workingDir)],
    ["Labels", config.labels.size === 0 ? undefined : object(sortedByBytes([...config.labels].map(([key, value]) => [key, text(value)])))],
    ["StopSignal", textOrNone(config.stopSignal)],
    ["ArgsEscaped", config.argsEscaped ? "true" : undefined],
    ["Healthcheck", config.healthcheck === undefined ? undefined : encodeHealthcheck(config.healthcheck)],
    ["OnBuild", texts(config.onbuild)],
    ["Shell", texts(config.shell)],
  ]);
}

function encodeHealthcheck(check: Healthcheck): string {
  return object([
    ["Test", texts(check.test)],
    ["Interval", integer(check.intervalNs)],
    ["Timeout", integer(check.timeoutNs)],
    ["StartPeriod", integer(check.startPeriodNs)],
    ["StartInterval", integer(check.startIntervalNs)],
    ["Retries", integer(BigInt(check.retries))],
  ]);
}

type Member = readonly [key: string, json: string | undefined];

function object(members: readonly Member[]): string {
  return `{${members.filter(([, json]) => json !== undefined).map(([key, json]) => `${text(key)}:${json}`).join(",")}}`;
}

/** A byte that is not UTF-8 is written as the escape of U+FFFD, unlike a U+FFFD in the text. */
function text(value: string): string {
  if (value.isWellFormed()) return goJson(value);
  return `"${value.split(/\p{Surrogate}/u).map((part) => goJson(part).slice(1, -1)).join("\\ufffd")}"`;
}

function textOrNone(value: string): string | undefined {
  return value === "" ? undefined : text(value);
}

function texts(values: readonly string[]): string | undefined {
  return values.length === 0 ? undefined : `[${values.map(text).join(",")}]`;
}

function set(keys: ReadonlySet<string>): string | undefined {
  return keys.size === 0 ? undefined : object(sortedByBytes([...keys].map((key) => [key, "{}"])));
}

function integer(value: bigint): string | undefined {
  return value === 0n ? undefined : value.toString();
}

function sortedByBytes(members: readonly Member[]): readonly Member[] {
  return members.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
