/** Of this process, until now: how many others want the processors, and for how long, is no matter of a test. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
