import { GrpcCode, GrpcError } from "../grpc/grpc-error.ts";
import type { ExecMessage } from "../proto/frontend/gateway_pb.ts";
import { CalledProcess, type Answer } from "./called-process.ts";
import type { Containers } from "./containers.ts";
import { Outbox } from "./outbox.ts";
import { SIGNAL_NUMBERS } from "./signal-numbers.ts";

/**
 * One call of ExecProcess: any number of processes, told apart by the names that the caller gives them. What is wrong with a message ends the
 * call; what is wrong with a process is its exit. Processes outlive the call, unheard and without input, until their container is released.
 */
export async function* execProcess(requests: AsyncIterable<ExecMessage>, containers: Containers, signal: AbortSignal): AsyncIterable<Answer> {
  const outbox = new Outbox<Answer>();
  const processes = new Map<string, CalledProcess>();
  const abort = (): void => outbox.fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  void readMessages(requests, { outbox, processes, containers, running: [] }).then(() => outbox.end(), (error: unknown) => outbox.fail(error));
  try {
    yield* outbox.read();
  } finally {
    signal.removeEventListener("abort", abort);
    for (const process of processes.values()) process.closeInput();
  }
}

interface Call {
  readonly outbox: Outbox<Answer>;
  readonly processes: Map<string, CalledProcess>;
  readonly containers: Containers;
  /** Ends of those that were started. */
  readonly running: Array<Promise<void>>;
}

/** Resolves when the caller has no more to say, and all its processes have. */
async function readMessages(requests: AsyncIterable<ExecMessage>, call: Call): Promise<void> {
  for await (const message of requests) {
    if (message.ProcessID === "") throw new GrpcError(GrpcCode.invalidArgument, "ProcessID required");
    await take(message, call);
  }
  for (const process of call.processes.values()) process.closeInput();
  await Promise.all(call.running);
}

async function take({ ProcessID: id, Input }: ExecMessage, { outbox, processes, containers, running }: Call): Promise<void> {
  const known = (): CalledProcess => {
    const process = processes.get(id);
    if (process === undefined) throw new GrpcError(GrpcCode.notFound, `IO for process ${JSON.stringify(id)} not found`);
    return process;
  };
  switch (Input.case) {
    case "Init": {
      if (processes.has(id)) throw new GrpcError(GrpcCode.alreadyExists, `Process ${id} already exists`);
      const container = await containers.get(Input.value.ContainerID);
      const process = new CalledProcess(id, Input.value, outbox);
      processes.set(id, process);
      const { over } = await process.start(container, Input.value);
      over.catch(() => undefined); // Told at the end of the call.
      running.push(over);
      return;
    }
    case "File":
      return await known().write(Input.value);
    case "Resize":
      return known().resize({ rows: Input.value.Rows, columns: Input.value.Cols });
    case "Signal": {
      const process = known();
      const number = SIGNAL_NUMBERS.get(Input.value.Name);
      if (number === undefined) throw new GrpcError(GrpcCode.invalidArgument, `Unknown signal ${Input.value.Name}`);
      return process.signal(number);
    }
    case "Started":
    case "Exit":
    case "Done":
      throw new GrpcError(GrpcCode.invalidArgument, `${Input.case} is for us to say, of process ${id}`);
    case undefined:
  }
}
