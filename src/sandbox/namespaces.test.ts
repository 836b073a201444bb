import { testSandbox } from "./sandbox.contract.ts";

await testSandbox("namespaces");
