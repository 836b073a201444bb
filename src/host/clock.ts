/** The only source of the time of day, so that tests and reproducible builds can set it. */
export interface Clock {
  now(): Date;
  /** Nanoseconds since the epoch, as precise as the machine tells. */
  nowNs(): bigint;
}

export const systemClock: Clock = {
  now: () => new Date(),
  nowNs: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
};
