import { isIP } from "node:net";
import { GrpcCode, GrpcError } from "../grpc/grpc-error.ts";
import type { Methods } from "../grpc/service.ts";
import type { Platform } from "../oci/platform.ts";
import type { Platform as PlatformMessage } from "../proto/pb/ops_pb.ts";
import type { LLBBridge, NewContainerRequest } from "../proto/frontend/gateway_pb.ts";
import type { BridgeContainer } from "./bridge-container.ts";
import type { Bridge } from "./bridge.ts";
import type { Containers } from "./containers.ts";
import { execProcess } from "./exec-process.ts";
import type { References } from "./references.ts";

export interface ContainerMeans {
  readonly bridge: Bridge;
  readonly references: References;
  readonly containers: Containers;
  readonly platformOf: (message: PlatformMessage | undefined) => Platform;
}

/** The part of LLBBridge by which a frontend runs processes of its own. */
export function containerCalls(means: ContainerMeans): Pick<Methods<typeof LLBBridge>, "newContainer" | "releaseContainer" | "execProcess"> {
  const { containers } = means;
  return {
    async newContainer(request, { signal }) {
      await containers.open(request.ContainerID, () => openContainer(request, means, signal));
      return {};
    },
    async releaseContainer({ ContainerID }) {
      await containers.release(ContainerID);
      return {};
    },
    execProcess: (requests, { signal }) => execProcess(requests, containers, signal),
  };
}

async function openContainer(request: NewContainerRequest, { bridge, references, platformOf }: ContainerMeans, signal: AbortSignal): Promise<BridgeContainer> {
  if (bridge.openContainer === undefined) throw new GrpcError(GrpcCode.unimplemented, "a frontend asks for a container, which the chroot sandbox cannot give: nothing holds its processes together; build with another --sandbox");
  const wrong = request.extraHosts.find(({ IP }) => isIP(IP) === 0);
  if (wrong !== undefined) throw new GrpcError(GrpcCode.unknown, `failed to parse IP ${wrong.IP}`);
  const mounts = request.Mounts.map((mount) => ({ mount, reference: references.find(mount.resultID) }));
  return await bridge.openContainer({ mounts, network: request.Network, hostname: request.hostname, extraHosts: request.extraHosts, platform: platformOf(request.platform) }, signal);
}
