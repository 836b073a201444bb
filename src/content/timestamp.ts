const NS_PER_SECOND = 1_000_000_000n;

/** Go's RFC3339Nano in UTC: nanoseconds without trailing zeros, and no point when there are none. */
export function rfc3339Nano(epochNs: bigint): string {
  const ns = ((epochNs % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const seconds = new Date(Number((epochNs - ns) / 1_000_000n)).toISOString().slice(0, "2000-01-01T00:00:00".length);
  const fraction = ns.toString().padStart(9, "0").replace(/0+$/, "");
  return fraction === "" ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/** The same time where this machine is: `2026-01-02T04:04:05.5+01:00`. */
export function localRfc3339(text: string): string {
  const ns = parseRfc3339(text);
  const aheadMinutes = -new Date(Number(ns / 1_000_000n)).getTimezoneOffset();
  if (aheadMinutes === 0) return rfc3339Nano(ns);
  const two = (number: number): string => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(Math.abs(aheadMinutes) / 60), Math.abs(aheadMinutes) % 60];
  return rfc3339Nano(ns + BigInt(aheadMinutes) * 60n * NS_PER_SECOND).replace("Z", `${aheadMinutes < 0 ? "-" : "+"}${two(hours)}:${two(minutes)}`);
}

/** Nanoseconds since the epoch of an RFC 3339 time. Throws RangeError when it is none. */
export function parseRfc3339(text: string): bigint {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  const ms = Date.parse(`${match?.[1]}${match?.[3]}`);
  if (match === null || Number.isNaN(ms)) throw new RangeError(`not a time in RFC 3339: ${JSON.stringify(text)}`);
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** Cuts off what is less than a second. */
export function secondsOnly(ns: bigint): bigint {
  return ns - (ns % 1_000_000_000n);
}
