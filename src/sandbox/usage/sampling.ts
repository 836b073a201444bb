import { rfc3339Nano } from "../../content/timestamp.ts";
import type { Clock } from "../../host/clock.ts";
import type { UsageObject } from "./usage-tree.ts";

/** At first; it doubles whenever there were as many samples as are wanted, so that a long run has no long list. */
const INTERVAL_NS = 2_000_000_000n;

/** A timer may fire this much before its time, and the sample would not count as an interval after the one before. */
const EARLY_MS = 2;

export interface SamplingOptions {
  /** Undefined where there is nothing to be measured (any more). */
  readonly read: () => Promise<UsageObject | undefined>;
  /** Intervals before they become twice as long. */
  readonly samplesMax: number;
  readonly clock: Clock;
}

interface Sample {
  readonly atNs: bigint;
  readonly usage: UsageObject;
}

/** Measures again and again until it is finished or disposed, in BuildKit's rhythm. */
export class Sampling implements Disposable {
  readonly #options: SamplingOptions;
  readonly #firstNs: bigint;
  #lastNs: bigint | undefined;
  #intervalNs = INTERVAL_NS;
  #samples: readonly Sample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SamplingOptions) {
    this.#options = options;
    this.#firstNs = options.clock.nowNs();
    this.#schedule();
  }

  /** All samples and a last one of now, each with its time first. Rejects with what a reading failed with. */
  async finish(): Promise<readonly UsageObject[]> {
    this[Symbol.dispose]();
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
    const kept = spaced(this.#samples, this.#firstNs, this.#intervalNs);
    const last = await this.#measure(this.#options.clock.nowNs());
    return [...kept, ...(last === undefined ? [] : [last])].map(({ atNs, usage }) => ({ timestamp: rfc3339Nano(atNs), ...usage }));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#tick();
    }, Number(INTERVAL_NS / 1_000_000n) + EARLY_MS);
    // Nobody waits for a process only because it is measured.
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    const ticking = this.#timer;
    const atNs = this.#options.clock.nowNs();
    if (this.#lastNs === undefined || atNs - this.#lastNs >= this.#intervalNs) {
      this.#lastNs = atNs;
      await this.#measure(atNs).then((sample) => {
        if (sample !== undefined) this.#samples = [...this.#samples, sample];
        this.#failure = undefined;
      }, (error: unknown) => {
        this.#failure = error;
      });
      if (this.#intervalNs * BigInt(this.#options.samplesMax) <= atNs - this.#firstNs) this.#intervalNs *= 2n;
    }
    if (this.#timer === ticking && ticking !== undefined) this.#schedule();
  }

  async #measure(atNs: bigint): Promise<Sample | undefined> {
    const usage = await this.#options.read();
    return usage === undefined ? undefined : { atNs, usage };
  }
}

/** Those that are an interval apart: earlier ones were taken when it was shorter. */
function spaced(samples: readonly Sample[], firstNs: bigint, intervalNs: bigint): readonly Sample[] {
  let current = firstNs;
  return samples.filter(({ atNs }, i) => {
    if (i > 0 && atNs - current < intervalNs) return false;
    current = atNs;
    return true;
  });
}
