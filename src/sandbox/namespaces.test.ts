import { testContainers } from "./container.contract.ts";
import { testSandbox } from "./sandbox.contract.ts";

await testSandbox("namespaces");
await testContainers("namespaces");
