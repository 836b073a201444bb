import { NetMode, SecurityMode } from "../../../llb/op.ts";
import { withRun, type RunStep } from "../../../llb/state.ts";
import type { ExecMount } from "../../../llb/exec-vertex.ts";
import type { Platform } from "../../../oci/platform.ts";
import { normalizePlatform } from "../../../oci/platform.ts";
import { InstructionError } from "../dockerfile-error.ts";
import { toLower } from "../go-text.ts";
import type { RunInstruction } from "../instruction.ts";
import type { EnvLookup, WordRules } from "../shell-lex.ts";
import { COMMAND_DESCRIPTION, locationsOf, type Conversion } from "./conversion.ts";
import { addHistory, runText } from "./history.ts";
import { isLabsChannel } from "./labs-channel.ts";
import { convertMounts } from "./run-mounts.ts";
import { runCommand } from "./run-command.ts";
import type { Command, StageDraft } from "./stage-draft.ts";
import { countedName, shownInstruction } from "./step-name.ts";

const NETWORKS: Readonly<Record<RunInstruction["network"], NetMode | undefined>> = { default: undefined, none: NetMode.NONE, host: NetMode.HOST };

export function convertRun(instruction: RunInstruction, stage: StageDraft, command: Command, conversion: Conversion): void {
  // A process can read any file.
  stage.paths.add("/");
  const { env } = stage.state;
  const { args, shown, mounts: inlineMounts } = runCommand(instruction, stage);
  const { mounts, secrets, sshSockets } = convertMounts(instruction, stage, command, conversion);
  const devices = convertDevices(instruction, conversion);
  const shownText = shownInstruction(shown, maskSecrets(instruction, env), nameRules(conversion.wordRules));
  const name = countedName(shownText, { stage, isTrigger: command.isTrigger, platform: statePlatform(stage), env }, conversion);
  const run: RunStep = {
    args, secrets, sshSockets, devices, ...workerOptions(conversion),
    mounts: [...inlineMounts, ...mounts, ...sharedMemory(conversion)],
    proxy: proxyOf(conversion.options.buildArgs),
    extraHosts: conversion.options.extraHosts,
    network: NETWORKS[instruction.network],
    security: instruction.security === "insecure" ? SecurityMode.INSECURE : SecurityMode.SANDBOX,
  };
  const { linuxResources } = conversion.options;
  stage.state = withRun(stage.state, run, {
    description: { [COMMAND_DESCRIPTION]: instruction.original, "llb.customname": name },
    locations: locationsOf(conversion, instruction.location),
    ignoreCache: stage.ignoresCache,
    ...(linuxResources !== undefined && conversion.capabilities.has("exec.meta.linux.resources") ? { linuxResources } : {}),
  });
  addHistory(stage.image, runText(args, stage.buildArgs, env), true, conversion.epochSeconds);
}

/** In names, quotes stay and variables that are not set are shown as written. */
function nameRules(rules: WordRules): WordRules {
  return { ...rules, rawQuotes: true, skipUnsetEnv: true };
}

/** Shows that a value comes from a secret. */
function maskSecrets({ mounts }: RunInstruction, env: ReadonlyMap<string, string>): EnvLookup {
  const masked = new Set(mounts.flatMap(({ type, env: name }) => (type === "secret" && name !== undefined ? [name] : [])));
  return { get: (name) => (masked.has(name) ? "****" : env.get(name)) };
}

function statePlatform({ state, platform }: StageDraft): Platform | undefined {
  return state.platform === undefined || platform === undefined ? undefined : normalizePlatform(platform);
}

/** What only some workers can do. */
function workerOptions({ options, capabilities }: Conversion): Pick<RunStep, "ulimits" | "cgroupParent"> {
  return {
    ulimits: capabilities.has("exec.meta.ulimit") ? options.ulimits : [],
    cgroupParent: capabilities.has("exec.meta.cgroup.parent") ? options.cgroupParent : "",
  };
}

/** BuildKit's stable frontend knows the flag and refuses it; so does ours where the file does not ask for the labs channel. */
function convertDevices({ devices }: RunInstruction, conversion: Conversion): RunStep["devices"] {
  if (devices.length === 0 || !conversion.capabilities.has("exec.meta.cdi")) return [];
  if (!isLabsChannel(conversion)) throw new InstructionError("device feature is only supported in Dockerfile frontend 1.14.0-labs or later");
  return devices.map(({ name, required }) => ({ name, optional: !required }));
}

function sharedMemory({ options, capabilities }: Conversion): readonly ExecMount[] {
  if (options.shmSizeBytes <= 0n || !capabilities.has("exec.mount.tmpfs.size")) return [];
  return [{ target: "/dev/shm", source: undefined, selector: "", use: { kind: "tmpfs", readonly: false, sizeBytes: options.shmSizeBytes } }];
}

const PROXIES = { http_proxy: "httpProxy", https_proxy: "httpsProxy", ftp_proxy: "ftpProxy", no_proxy: "noProxy", all_proxy: "allProxy" } as const;

/** Build arguments named as proxies, in any case; the last in order of bytes wins. */
function proxyOf(buildArgs: ReadonlyMap<string, string>): RunStep["proxy"] {
  const names = new Map<string, string>(Object.entries(PROXIES));
  const given = [...buildArgs].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const found = given.flatMap(([key, value]) => {
    const name = names.get(toLower(key));
    return name === undefined ? [] : [[name, value] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
