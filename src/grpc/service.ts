import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

/** What a call knows besides its messages. */
export interface CallContext {
  /** Aborted when the caller cancels, its deadline passes, or the connection ends. */
  readonly signal: AbortSignal;
  /** Values of the call's metadata, each repeat apart; names are in lower case. */
  readonly metadata: (name: string) => readonly string[];
}

type Unary<I extends DescMessage, O extends DescMessage> = (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>>;
type Streaming<I extends DescMessage, O extends DescMessage> = (requests: AsyncIterable<MessageShape<I>>, context: CallContext) => AsyncIterable<MessageInitShape<O>>;

type Handler<M> = M extends { readonly methodKind: "unary"; readonly input: infer I extends DescMessage; readonly output: infer O extends DescMessage }
  ? Unary<I, O>
  : M extends { readonly input: infer I extends DescMessage; readonly output: infer O extends DescMessage }
    ? Streaming<I, O>
    : never;

/** Methods of a service by their names in TypeScript; one that is left out answers `unimplemented`. */
export type Methods<S extends DescService> = { readonly [N in keyof S["method"]]?: Handler<S["method"][N]> };

/** One method, ready to be called with bytes' messages. */
export interface RoutedMethod {
  readonly description: DescMethod;
  /** Of the shape that `description` says: `route` has seen to it. */
  readonly handler: Unary<DescMessage, DescMessage> | Streaming<DescMessage, DescMessage>;
}

/** By path, as in `:path`. */
export type Routes = ReadonlyMap<string, RoutedMethod>;

export function routes<S extends DescService>(service: S, methods: Methods<S>): Routes {
  const handlers = new Map<string, unknown>(Object.entries(methods));
  return new Map(service.methods.flatMap((description) => {
    const handler = handlers.get(description.localName);
    // Methods<S> holds the shape; the map has lost it.
    return handler === undefined ? [] : [[`/${service.typeName}/${description.name}`, { description, handler: handler as RoutedMethod["handler"] }] as const];
  }));
}
