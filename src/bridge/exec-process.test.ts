import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { GrpcError } from "../grpc/grpc-error.ts";
import { ExecMessageSchema, type ExecMessage } from "../proto/frontend/gateway_pb.ts";
import type { BridgeContainer, BridgeProcessRequest } from "./bridge-container.ts";
import type { Answer } from "./called-process.ts";
import { Containers } from "./containers.ts";
import { execProcess } from "./exec-process.ts";
import { Outbox } from "./outbox.ts";

describe("a call of ExecProcess", () => {
  test("tells of a process that it has started, what it prints, how it ended, and at last that this was all", async () => {
    const call = await opened();
    call.say("p", init());
    const [process] = await call.container.started(1);
    process?.stdout.write("out");
    process?.stderr.write("err");
    process?.exit(0);
    assert.deepEqual((await call.until("p", "Done")).toSorted(byStage), ["Started", "1: out", "2: err", "1: EOF", "2: EOF", "Exit 0", "Done"]);
  });

  test("hands on what is sent, up to its end, and a terminal's size and signals", async () => {
    const call = await opened();
    call.say("p", init({ Fds: [0, 1], Tty: true }));
    for (const text of ["one ", "two"]) call.say("p", file(0, text));
    call.say("p", { case: "Resize", value: { Rows: 3, Cols: 4 } });
    for (const Name of ["TERM", "USR1", "RTMIN+2", "RTMAX-1"]) call.say("p", { case: "Signal", value: { Name } });
    call.say("p", { case: "File", value: { Fd: 0, EOF: true } });
    const [process] = await call.container.started(1);
    assert.equal((await buffer(process?.input ?? new PassThrough())).toString(), "one two");
    assert.deepEqual(process?.told, [{ rows: 3, columns: 4 }, 15, 10, 36, 63]);
    assert.deepEqual([process?.request.streams, process?.request.args], ["terminal", ["run"]]);
    process?.exit(0);
    await call.until("p", "Done");
  });

  test("tells of an exit code in BuildKit's words, for programs too", async () => {
    const call = await opened();
    call.say("p", init());
    (await call.container.started(1))[0]?.exit(3);
    assert.ok((await call.until("p", "Done")).includes('Exit 3: 2 exit code: 3 github.com/moby/buildkit/gatewayapi.ExitMessage+json={"Code":3}'));
  });

  test("a process that cannot be started is one that has ended, and hurts no other", async () => {
    const call = await opened();
    call.say("good", init());
    call.say("bad", init({ args: ["refuse"] }));
    call.say("odd", init({ args: ["refuse-code"] }));
    assert.deepEqual((await call.until("bad", "Done")).filter((said) => /^(Started|Exit|Done)/.test(said)).map((said) => said.replace(/ github.*/, "")), ["Started", "Exit 255: 2 not allowed", "Done"]);
    assert.ok((await call.until("odd", "Done")).some((said) => said.startsWith("Exit 1: 2 no such command")));
    (await call.container.started(1))[0]?.exit(0);
    assert.ok((await call.until("good", "Done")).includes("Exit 0"));
  });

  test("what nobody asked to see is read all the same, and what comes for a process that has ended is lost", async () => {
    const call = await opened();
    call.say("p", init({ Fds: [0] }));
    const [process] = await call.container.started(1);
    process?.stdout.write(Buffer.alloc(1_000_000));
    process?.exit(0);
    assert.deepEqual(await call.until("p", "Done"), ["Started", "Exit 0", "Done"]);
    call.say("p", file(0, "late"));
    call.say("p", { case: "Signal", value: { Name: "KILL" } });
    call.end();
    await call.over;
  });

  test("is not over before its processes are, and then without error", async () => {
    const call = await opened();
    call.say("p", init({ Fds: [0, 1] }));
    const [process] = await call.container.started(1);
    call.end();
    assert.equal((await buffer(process?.input ?? new PassThrough())).byteLength, 0, "nobody can send any more");
    process?.exit(0);
    await call.over;
    assert.ok((await call.until("p", "Done")).includes("Exit 0"));
  });
});

describe("a call of ExecProcess that goes wrong", () => {
  const wrong: ReadonlyArray<readonly [what: string, id: string, input: Input, error: RegExp]> = [
    ["a message without a process", "", init(), /3 ProcessID required/],
    ["a container that is not there", "q", init({ ContainerID: "other" }), /5 container "other" previously released or not created/],
    ["a name that is taken", "p", init(), /6 Process p already exists/],
    ["input for nobody", "q", file(0, "x"), /5 IO for process "q" not found/],
    ["a signal for nobody", "q", { case: "Signal", value: { Name: "TERM" } }, /5 IO for process "q" not found/],
    ["a size for nobody", "q", { case: "Resize", value: {} }, /5 IO for process "q" not found/],
    ["a signal that there is not", "p", { case: "Signal", value: { Name: "SIGTERM" } }, /3 Unknown signal SIGTERM/],
    ["a descriptor that is not for input", "p", file(1, "x"), /11 fd 1 unavailable to write/],
    ["what is for us to say", "p", { case: "Done", value: {} }, /3 Done is for us to say/],
  ];
  for (const [what, id, input, error] of wrong) {
    test(`${what} ends it with an error, and the processes have no input any more`, async () => {
      const call = await opened();
      call.say("p", init({ Fds: [0, 1] }));
      const [process] = await call.container.started(1);
      call.say(id, input);
      await assert.rejects(call.over, (thrown) => thrown instanceof GrpcError && error.test(`${thrown.code} ${thrown.message}`));
      await buffer(process?.input ?? new PassThrough());
    });
  }

  test("that is cancelled leaves its processes to their container, and reads on for them", async () => {
    const call = await opened();
    call.say("p", init({ Fds: [0, 1] }));
    const [process] = await call.container.started(1);
    call.cancel(new GrpcError(1, "the call was cancelled"));
    await assert.rejects(call.over, /the call was cancelled/);
    for (let i = 0; i < 20; i++) if (process?.stdout.write(Buffer.alloc(100_000)) === false) await new Promise((resolve) => process.stdout.once("drain", resolve));
    await call.containers.release("c");
    assert.equal(call.container.isDisposed(), true);
  });
});

describe("containers", () => {
  test("have names that are given once, and go by them or with the frontend, also those that are being opened", async () => {
    const containers = new Containers();
    const made = ["a", "b"].map(fakeContainer);
    const later = Promise.withResolvers<BridgeContainer>();
    await containers.open("a", async () => made[0] ?? never());
    await assert.rejects(containers.open("a", async () => never()), /Container a already exists/);
    await assert.rejects(containers.open("broken", () => Promise.reject(new Error("no mounts"))), /no mounts/);
    await assert.rejects(containers.release("broken"), /container details for broken not found/);
    await containers.release("a");
    assert.equal(made[0]?.isDisposed(), true);
    const opening = containers.open("b", () => later.promise);
    const disposing = containers[Symbol.asyncDispose]();
    later.resolve(made[1] ?? never());
    await Promise.all([opening, disposing]);
    assert.equal(made[1]?.isDisposed(), true);
    await assert.rejects(containers.open("c", async () => never()), /the frontend has ended/);
  });
});

type Input = NonNullable<MessageInitShape<typeof ExecMessageSchema>["Input"]>;

function init({ args = ["run"], Fds = [1, 2], Tty = false, ContainerID = "c" }: { readonly args?: string[]; readonly Fds?: number[]; readonly Tty?: boolean; readonly ContainerID?: string } = {}): Input {
  return { case: "Init", value: { ContainerID, Meta: { args }, Fds, Tty } };
}

function file(Fd: number, text: string): Input {
  return { case: "File", value: { Fd, Data: Uint8Array.from(Buffer.from(text)) } };
}

interface FakeProcess {
  readonly request: BridgeProcessRequest;
  readonly input: PassThrough | undefined;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  readonly told: unknown[];
  exit(code: number): void;
}

interface FakeContainer extends BridgeContainer {
  started(count: number): Promise<readonly FakeProcess[]>;
  isDisposed(): boolean;
}

function fakeContainer(): FakeContainer {
  const processes: FakeProcess[] = [];
  let disposed = false;
  let tell = (): void => undefined;
  return {
    async start(request) {
      if (request.args[0] === "refuse") throw new Error("not allowed");
      if (request.args[0] === "refuse-code") throw Object.assign(new Error("no such command"), { exitCode: 1 });
      const { promise: exited, resolve } = Promise.withResolvers<number>();
      const [stdout, stderr, told] = [new PassThrough(), new PassThrough(), [] as unknown[]];
      const input = request.streams === "output" ? undefined : new PassThrough();
      processes.push({
        request, input, stdout, stderr, told,
        exit(code) {
          for (const stream of [stdout, stderr]) stream.end();
          resolve(code);
        },
      });
      tell();
      return { input, stdout, stderr, exited, resize: (size) => void told.push(size), signal: (number) => void told.push(number) };
    },
    async started(count) {
      while (processes.length < count) await new Promise<void>((resolve) => (tell = resolve));
      return processes;
    },
    isDisposed: () => disposed,
    async [Symbol.asyncDispose]() {
      disposed = true;
      for (const each of processes) each.exit(137);
    },
  };
}

/** A call on one container, named `c`, with all that it has said. */
async function opened() {
  const container = fakeContainer();
  const containers = new Containers();
  await containers.open("c", async () => container);
  const requests = new Outbox<ExecMessage>();
  const cancel = new AbortController();
  const said: Array<readonly [id: string, text: string]> = [];
  let tell = (): void => undefined;
  const over = (async () => {
    for await (const answer of execProcess(requests.read(), containers, cancel.signal)) {
      said.push([answer.ProcessID ?? "", textOf(answer)]);
      tell();
    }
  })();
  over.catch(() => undefined); // Each test that expects it looks.
  return {
    container, containers, over,
    say: (ProcessID: string, Input: Input) => void requests.send(create(ExecMessageSchema, { ProcessID, Input })),
    end: () => requests.end(),
    cancel: (reason: Error) => cancel.abort(reason),
    async until(id: string, text: string): Promise<string[]> {
      const of = (): string[] => said.flatMap(([each, told]) => (each === id ? [told] : []));
      while (!of().includes(text)) await new Promise<void>((resolve) => (tell = resolve));
      return of();
    },
  };
}

function textOf({ Input }: Answer): string {
  const { case: kind, value } = create(ExecMessageSchema, Input === undefined ? {} : { Input }).Input;
  if (kind === "File") return `${value.Fd}: ${value.EOF ? "EOF" : Buffer.from(value.Data).toString()}`;
  if (kind !== "Exit") return String(kind);
  const { Code, Error: error } = value;
  const [detail] = error?.details ?? [];
  return error === undefined ? `Exit ${Code}` : `Exit ${Code}: ${error.code} ${error.message} ${detail?.typeUrl}=${Buffer.from(detail?.value ?? []).toString()}`;
}

/** Outputs come side by side; the stages do not. */
function byStage(a: string, b: string): number {
  const stage = (text: string): number => (text === "Started" ? 0 : /EOF/.test(text) ? 2 : text.startsWith("Exit") ? 3 : text === "Done" ? 4 : 1);
  return stage(a) - stage(b) || (a < b ? -1 : 1);
}

function never(): never {
  throw new Error("this is never asked for");
}
