import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { parseDigest, type Digest } from "../content/digest.ts";
import { sourceDetail } from "../progress/source-place.ts";
import { StatusSchema } from "../proto/google/rpc/status_pb.ts";
import type { BuildRecord } from "./build-record.ts";
import { failureCode, failureMessage } from "./failed-build.ts";
import { HistoryError } from "./history-error.ts";

/** BuildKit's name for a google.rpc.Status, as it spells it. */
export const EXTERNAL_ERROR = "application/vnd.googeapis.google.rpc.status+proto";

const VERTEX_TYPE = "github.com/moby/buildkit/errdefs.Vertex+json";
const EXIT_TYPE = "github.com/moby/buildkit/gatewayapi.ExitMessage+json";

interface ErrorDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** A failure with what BuildKit tells of it beside the message: the lines, the step, the status of the command. It has no stack of Go's, nor a graph. Undefined where there is no more than the message. */
export function encodeExternalError(record: BuildRecord): Uint8Array | undefined {
  const { source, step, exitCode } = record.error ?? {};
  const details = [
    ...(source === undefined ? [] : [sourceDetail({ filename: source.filename, data: Buffer.from(source.text), startLine: source.startLine, endLine: source.endLine })]),
    ...(step === undefined ? [] : [detail(VERTEX_TYPE, { digest: step })]),
    ...(exitCode === undefined ? [] : [detail(EXIT_TYPE, { Code: exitCode })]),
  ];
  return details.length === 0 ? undefined : toBinary(StatusSchema, create(StatusSchema, { code: failureCode(record), message: failureMessage(record), details }));
}

function detail(typeUrl: string, value: object): ErrorDetail {
  return { typeUrl, value: Buffer.from(JSON.stringify(value)) };
}

/** Throws HistoryError "damaged". */
export function decodeExternalError(bytes: Uint8Array): readonly ErrorDetail[] {
  try {
    return fromBinary(StatusSchema, bytes).details;
  } catch (error) {
    throw new HistoryError("damaged", "the error of the build is no error of BuildKit's", { cause: error });
  }
}

/** The step that failed; undefined where none is named. */
export function failedVertex(details: readonly ErrorDetail[]): Digest | undefined {
  for (const { typeUrl, value } of details) {
    const [, digest] = typeUrl === VERTEX_TYPE ? (/"digest":\s*"(sha256:[0-9a-f]{64})"/.exec(Buffer.from(value).toString("utf8")) ?? []) : [];
    if (digest !== undefined) return parseDigest(digest);
  }
  return undefined;
}
