import type { FileAction, FileOp } from "../llb/op.ts";
import type { Clock } from "../host/clock.ts";
import { PatternError } from "../pattern/pattern-error.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { diffTrees } from "../snapshot/tree-diff.ts";
import { TreeDraft } from "../snapshot/tree-draft.ts";
import type { TreeView } from "../snapshot/tree-view.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import { Tree } from "../snapshot/tree.ts";
import { makeDirectory, makeFile, makeSymlink, remove } from "./file-actions.ts";
import { copyFiles } from "./file-copy.ts";
import { readOwner, type Owner } from "./file-owner.ts";
import { OperationError } from "./operation-error.ts";

/** The index that stands for an empty tree, or for no output. */
const NONE = -1;

export interface FileContext {
  readonly signal: AbortSignal;
  /** The time of what is made and given no other. */
  readonly clock: Clock;
}

/**
 * Runs a file operation over trees in memory and writes one layer for each tree that is kept: each output, and each
 * that two actions build on. Nothing is mounted, and base layers are read no further than names and times.
 * Returns one chain for each output. Throws OperationError with BuildKit's texts.
 */
export async function runFileOp(op: FileOp, inputs: readonly LayerChain[], store: LayerStore, context: FileContext): Promise<readonly LayerChain[]> {
  const plan = planOf(op.actions, inputs.length);
  const run = new FileRun(op.actions, { inputs, keptIndexes: plan.kept, store, context });
  const outputs: LayerChain[] = [];
  for (const index of plan.outputs) {
    const { tree } = await run.result(index, []);
    if (!(tree instanceof Tree)) throw new RangeError("an output was not kept");
    outputs.push(tree.chain);
  }
  return outputs;
}

interface Plan {
  /** Index of the action that makes each output. */
  readonly outputs: readonly number[];
  /** Indexes whose tree must be written: outputs, and what more than one action uses. */
  readonly kept: ReadonlySet<number>;
}

function planOf(actions: readonly FileAction[], inputCount: number): Plan {
  const kept = new Set<number>();
  const used = new Set<number>();
  const outputs = new Map<number, number>();
  const use = (index: number): void => {
    if (used.has(index)) kept.add(index);
    used.add(index);
  };
  const indexMax = inputCount + actions.length;
  for (const [i, action] of actions.entries()) {
    const [input, secondary, output] = [Number(action.input), Number(action.secondaryInput), Number(action.output)];
    if (input < NONE || input >= indexMax) throw invalid(`invalid input index ${input}, ${indexMax} provided`);
    if (secondary < NONE || secondary >= indexMax) throw invalid(`invalid secondary input index ${secondary}, ${inputCount} provided`);
    use(input);
    use(secondary);
    if (output === NONE) continue;
    if (outputs.has(output)) throw invalid(`duplicate output ${output}`);
    outputs.set(output, inputCount + i);
    kept.add(inputCount + i);
  }
  if (outputs.size === 0) throw invalid("no outputs specified");
  return { kept, outputs: Array.from({ length: outputs.size }, (_, i) => outputs.get(i) ?? missingOutput(i)) };
}

function missingOutput(index: number): never {
  throw invalid(`missing output index ${index}`);
}

function invalid(message: string): OperationError {
  return new OperationError("step-failed", message);
}

/** A tree, or one that is still being changed on the way to the next that is kept. */
interface Result {
  readonly tree: TreeView;
  /** What the draft began as; the tree itself when it is no draft. */
  readonly base: Tree;
}

interface RunContext {
  readonly inputs: readonly LayerChain[];
  readonly keptIndexes: ReadonlySet<number>;
  readonly store: LayerStore;
  readonly context: FileContext;
}

/** What cannot be done to a tree is the step's failure, not ours. */
async function refusing(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof TreeError || error instanceof PatternError) throw new OperationError("step-failed", error.message, { cause: error });
    throw error;
  }
}

class FileRun {
  readonly #actions: readonly FileAction[];
  readonly #run: RunContext;
  readonly #results: Map<number, Result> = new Map();

  constructor(actions: readonly FileAction[], run: RunContext) {
    this.#actions = actions;
    this.#run = run;
  }

  /** Indexes count the inputs first, then the actions. `asking` is what waits for this one. */
  async result(index: number, asking: readonly number[]): Promise<Result> {
    if (asking.includes(index)) throw invalid(`loop from index ${index}`);
    const known = this.#results.get(index);
    if (known !== undefined) return known;
    const chain = index === NONE ? [] : this.#run.inputs[index];
    const result = chain === undefined ? await this.#act(index, [...asking, index]) : await this.#open(chain);
    if (index !== NONE) this.#results.set(index, result);
    return result;
  }

  async #open(chain: LayerChain): Promise<Result> {
    const tree = await Tree.open(chain, this.#run.context.signal);
    return { tree, base: tree };
  }

  async #act(index: number, asking: readonly number[]): Promise<Result> {
    const { context: { signal, clock }, store } = this.#run;
    const action = this.#actions[index - this.#run.inputs.length];
    if (action === undefined) throw invalid(`invalid input index ${index}`);
    const { tree, base } = await this.result(Number(action.input), asking);
    // A draft that nobody else uses is changed further; anything else is left as it is.
    const draft = tree instanceof TreeDraft ? tree : new TreeDraft(tree, () => clock.nowNs());
    await refusing(async () => await this.#apply(action, draft, asking));
    if (!this.#run.keptIndexes.has(index)) return { tree: draft, base };
    const layer = await store.write(diffTrees(base, draft, signal), signal);
    return await this.#open([...base.chain, layer]);
  }

  async #apply(action: FileAction, draft: TreeDraft, asking: readonly number[]): Promise<void> {
    const { context: { signal, clock }, store } = this.#run;
    const { action: change } = action;
    switch (change.case) {
      case "mkdir":
        return makeDirectory(draft, change.value, await this.#owner(change.value.owner, asking));
      case "mkfile":
        return makeFile(draft, change.value, { owner: await this.#owner(change.value.owner, asking), nowNs: clock.nowNs() });
      case "symlink":
        return makeSymlink(draft, change.value, { owner: await this.#owner(change.value.owner, asking), nowNs: clock.nowNs() });
      case "rm":
        return remove(draft, change.value);
      case "copy": {
        const source = await this.result(Number(action.secondaryInput), asking);
        const owner = await this.#owner(change.value.owner, asking);
        return await copyFiles(change.value, { source: source.tree, draft }, { store, owner, nowNs: clock.nowNs() }, signal);
      }
      case undefined:
        throw new OperationError("unsupported", "invalid action type <nil>");
    }
  }

  async #owner(owner: Parameters<typeof readOwner>[0], asking: readonly number[]): Promise<Owner | undefined> {
    return await readOwner(owner, async (input) => {
      if (input < 0) throw invalid(`invalid user index: ${input}`);
      return (await this.result(input, asking)).tree;
    }, this.#run.context.signal);
  }
}
