import { DURATION, TIME } from "../template/go-time.ts";
import { BOOL, BYTES, INT, STRING, pointerTo, sliceOf, type ScalarType, type StructField, type StructType } from "../template/go-type.ts";
import { optional, record, required } from "../template/record-type.ts";

/*
 * What `history inspect` shows, with the names, the order and the zero values that templates written for buildx rely on. Behind
 * buildx's members: `Kind` of an error and of an attachment, `Warnings` and `Steps`.
 */

const INT32: ScalarType = { kind: "int", name: "int32" };
const STATUS: ScalarType = { kind: "string", name: "history.statusT" };

const PAIR = record("history.keyValueOutput", [text("Name"), text("Value")]);

const ERROR = record("history.errorOutput", [
  optional("Code", "Code", INT), text("Message"), text("Name"), optional("Logs", "Logs", sliceOf(STRING)), optional("Sources", "Sources", BYTES), optional("Stack", "Stack", BYTES), text("Kind"),
]);

const CONFIG = record("history.configOutput", [
  text("Network"), optional("ExtraHosts", "ExtraHosts", sliceOf(STRING)), text("Hostname"), text("CgroupParent"), text("ImageResolveMode"),
  optional("MultiPlatform", "MultiPlatform", BOOL), optional("NoCache", "NoCache", BOOL), optional("NoCacheFilter", "NoCacheFilter", sliceOf(STRING)),
  text("ShmSize"), text("Ulimit"), text("Memory"), text("MemorySwap"), text("CPUShares"), text("CPUPeriod"), text("CPUQuota"), text("CPUSetCPUs"), text("CPUSetMems"),
  text("CacheMountNS"), text("DockerfileCheckConfig"), text("SourceDateEpoch"), text("SandboxHostname"), optional("RestRaw", "RestRaw", sliceOf(PAIR)),
]);

const MATERIAL = record("history.materialOutput", [text("URI"), optional("Digests", "Digests", sliceOf(STRING))]);
const ATTACHMENT = record("history.attachmentOutput", [text("Digest"), text("Platform"), text("Type"), text("Kind")]);

const STEP = record("history.stepOutput", [
  text("Digest"), text("Name"), text("Outcome"), text("Reason"), text("Why"), text("StartedAt"), required("DurationMs", "DurationMs", INT), text("Error"),
]);

export const INSPECT_TYPE: StructType = record("history.inspectOutput", [
  text("Name"), required("Ref", "Ref", STRING), text("Context"), text("Dockerfile"), text("VCSRepository"), text("VCSRevision"), text("Target"),
  optional("Platform", "Platform", sliceOf(STRING)), optional("KeepGitDir", "KeepGitDir", BOOL), optional("NamedContexts", "NamedContexts", sliceOf(PAIR)),
  optional("StartedAt", "StartedAt", pointerTo(TIME)), optional("CompletedAt", "CompletedAt", pointerTo(TIME)), optional("Duration", "Duration", DURATION), optional("Status", "Status", STATUS),
  optional("Error", "Error", pointerTo(ERROR)),
  required("NumCompletedSteps", "NumCompletedSteps", INT32), required("NumTotalSteps", "NumTotalSteps", INT32), required("NumCachedSteps", "NumCachedSteps", INT32),
  optional("BuildArgs", "BuildArgs", sliceOf(PAIR)), optional("Labels", "Labels", sliceOf(PAIR)), required("Config", "Config", CONFIG),
  optional("Materials", "Materials", sliceOf(MATERIAL)), optional("Attachments", "Attachments", sliceOf(ATTACHMENT)), optional("Errors", "Errors", sliceOf(STRING)),
  optional("Warnings", "Warnings", INT32), optional("Steps", "Steps", sliceOf(STEP)),
]);

function text(name: string): StructField {
  return optional(name, name, STRING);
}
