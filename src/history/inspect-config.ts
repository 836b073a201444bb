/** Members of buildx's `Config`, by the attributes that they are read from; what is not here, or of no prefix that has a place of its own, is in `RestRaw`. */
const TEXTS: Readonly<Record<string, string>> = {
  "force-network-mode": "Network", hostname: "Hostname", "cgroup-parent": "CgroupParent", "image-resolve-mode": "ImageResolveMode", "shm-size": "ShmSize", ulimit: "Ulimit",
  memory: "Memory", memswap: "MemorySwap", cpushares: "CPUShares", cpuperiod: "CPUPeriod", cpuquota: "CPUQuota", cpusetcpus: "CPUSetCPUs", cpusetmems: "CPUSetMems",
  "build-arg:BUILDKIT_CACHE_MOUNT_NS": "CacheMountNS", "build-arg:BUILDKIT_DOCKERFILE_CHECK": "DockerfileCheckConfig", "build-arg:SOURCE_DATE_EPOCH": "SourceDateEpoch", "build-arg:BUILDKIT_SANDBOX_HOSTNAME": "SandboxHostname",
};
const FLAGS: Readonly<Record<string, string>> = { "multi-platform": "MultiPlatform", "build-arg:BUILDKIT_MULTI_PLATFORM": "MultiPlatform" };
const LISTS: Readonly<Record<string, string>> = { "add-hosts": "ExtraHosts" };
/** Shown elsewhere in an inspection, whole or by their prefix; or said by one frontend to another, and nobody's wish. */
const ELSEWHERE = /^(?:vcs|build-arg|label|context|attest):|^(?:context|filename|target|platform|no-cache|frontend\.caps)$/;

/** What a build was asked for beside its inputs, in buildx's members. */
export function inspectedConfig(attributes: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const config: Record<string, unknown> = {};
  const rest: Array<{ readonly Name: string; readonly Value: string }> = [];
  for (const [name, value] of Object.entries(attributes)) {
    const [text, flag, list] = [TEXTS[name], FLAGS[name], LISTS[name]];
    if (text !== undefined) config[text] = value;
    else if (flag !== undefined) config[flag] = /^(?:1|t|true)$/i.test(value);
    else if (list !== undefined) config[list] = value.split(",");
    else if (name === "no-cache") config[value === "" ? "NoCache" : "NoCacheFilter"] = value === "" ? true : value.split(",");
    else if (!ELSEWHERE.test(name)) rest.push({ Name: name, Value: value });
  }
  if (rest.length > 0) config["RestRaw"] = rest.toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
  return config;
}
