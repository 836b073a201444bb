import type { GrowingBlob } from "../content/growing-blob.ts";
import type { Digest } from "../content/digest.ts";
import { beginUpload, cancelUpload, finishUpload, sessionOf, UPLOAD_TAKEN, type UploadSession } from "./blob-upload.ts";
import { registryOf, type RepositoryServers } from "./repository-servers.ts";
import { retrying } from "./retry.ts";

/** Smaller blobs are made before a registry would have taken them: they are sent once they are whole, where it has none of them yet. */
const STREAMED_BYTES_MIN = 4 * 1024 * 1024;

/** What taking back an upload may cost at most, each of ending what is being sent and of saying so. */
const CANCEL_MS_MAX = 2000;

/**
 * A blob that is sent while it is still being made. Nobody can have it from the registry before `finish`. It throws nothing:
 * what fails here, for whatever reason, is sent again by who needs it, from the finished file.
 */
export interface StreamedUpload {
  /** Bytes that were handed over so far; counts again from zero where sending had to start over. */
  readonly sentBytes: number;
  readonly state: "under-way" | "sent" | "failed" | "dropped";
  /** Gives what was sent its digest. Resolves to undefined where the registry has it then, else to why not; rejects with `signal.reason` only. */
  finish(digest: Digest, signal: AbortSignal): Promise<StreamFailure | undefined>;
  /** Ends it, wherever it is: the registry is told to forget what it has, and waited for a little. After `finish` came through, nothing is done. */
  cancel(): Promise<void>;
}

export interface StreamFailure {
  /** Undefined where nothing was begun. */
  readonly error: unknown;
}

/** Begins once there is enough of the blob. `onSent` is told of `sentBytes`. */
export function streamBlob(repository: RepositoryServers, blob: GrowingBlob, onSent: (sentBytes: number) => void): StreamedUpload {
  return new Stream(repository, blob, onSent);
}

class Stream implements StreamedUpload {
  readonly #repository: RepositoryServers;
  readonly #blob: GrowingBlob;
  readonly #onSent: (sentBytes: number) => void;
  /** Ends the body: the registry then answers, and what it has can be taken back in good order. */
  readonly #noMore = new AbortController();
  /** Ends the connection. */
  readonly #stop = new AbortController();
  readonly #sent: Promise<StreamFailure | undefined>;
  #session: UploadSession | undefined;
  #hasAllBytes = false;
  #cancelled: Promise<void> | undefined;
  sentBytes = 0;
  state: StreamedUpload["state"] = "under-way";

  constructor(repository: RepositoryServers, blob: GrowingBlob, onSent: (sentBytes: number) => void) {
    this.#repository = repository;
    this.#blob = blob;
    this.#onSent = onSent;
    this.#sent = this.#send().then(
      (whether) => {
        this.state = whether;
        return whether === "sent" ? undefined : { error: undefined };
      },
      (error: unknown) => {
        this.state = this.#noMore.signal.aborted ? "dropped" : "failed";
        return { error };
      },
    );
  }

  async finish(digest: Digest, signal: AbortSignal): Promise<StreamFailure | undefined> {
    const failure = await unlessAborted(this.#sent, signal) ?? await this.#close(digest, signal);
    if (failure === undefined) this.#session = undefined;
    else await this.cancel();
    signal.throwIfAborted();
    return failure;
  }

  cancel(): Promise<void> {
    this.#cancelled ??= this.#takeBack();
    return this.#cancelled;
  }

  async #send(): Promise<"sent" | "dropped"> {
    const { signal } = this.#stop;
    if (!(await unlessAborted(this.#blob.exceeds(STREAMED_BYTES_MIN), this.#noMore.signal))) return "dropped";
    this.#session = await retrying(() => beginUpload(this.#repository, signal), signal);
    const { name: what, scopes } = this.#repository;
    const headers = { "content-type": "application/octet-stream" };
    const body = { sizeBytes: undefined, open: () => this.#bytes() };
    const response = await registryOf(this.#repository).call({ method: "PATCH", target: this.#session.location, scopes, what, headers, body, expected: UPLOAD_TAKEN }, signal);
    await response.discard();
    this.#session = sessionOf(response, what);
    if (!this.#hasAllBytes) return "dropped";
    return "sent";
  }

  /** Ends early, and without a failure, where the blob comes to nothing, or nobody wants it any more. */
  async *#bytes(): AsyncGenerator<Uint8Array> {
    this.sentBytes = 0;
    this.#hasAllBytes = false;
    try {
      for await (const chunk of this.#blob.read(this.#noMore.signal)) {
        yield chunk;
        this.sentBytes += chunk.byteLength;
        this.#onSent(this.sentBytes);
      }
      this.#hasAllBytes = true;
    } catch {
      // Who makes the blob hears of what stopped it; here it is enough to know that not all of it was sent.
    }
  }

  async #close(digest: Digest, signal: AbortSignal): Promise<StreamFailure | undefined> {
    if (this.#session === undefined) return { error: undefined };
    try {
      await finishUpload(this.#repository, this.#session, digest, signal);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  async #takeBack(): Promise<void> {
    this.#noMore.abort(new Error("the upload is not wanted any more"));
    const timer = setTimeout(() => this.#stop.abort(new Error("the registry takes too long to end an upload")), CANCEL_MS_MAX);
    await this.#sent;
    clearTimeout(timer);
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    const limit = AbortSignal.timeout(CANCEL_MS_MAX);
    await cancelUpload(this.#repository, session, limit).catch((error: unknown) => {
      // The registry ends it by itself one day.
      if (!limit.aborted) throw error;
    });
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, stop.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
