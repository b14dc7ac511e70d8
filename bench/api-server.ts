import { startApi } from "../local/api.ts";
import { type GatewayRoute, startGateway } from "../local/gateway/gateway-server.ts";

/**
 * A process with nothing but the API: our handlers behind one gateway, bare ones behind another of the same make. Sends
 * both URLs to its parent, and answers each message with the CPU time that it has used, in microseconds.
 */
const ours = await startApi(0, () => {});
const { getJob, createJob, listJobEvents } = await import("./bare-handlers.ts");
const bareRoutes: readonly GatewayRoute[] = [
  { name: "bareGetJob", method: "GET", path: "/v1/jobs/{jobId}", streams: false, handler: getJob },
  { name: "bareCreateJob", method: "POST", path: "/v1/jobs", streams: false, handler: createJob },
  {
    ...{ name: "bareListJobEvents", method: "GET", path: "/v1/jobs/{jobId}/events", streams: true },
    handler: awslambda.streamifyResponse(listJobEvents as never) as never,
  },
];
const bare = await startGateway({
  port: 0,
  routes: bareRoutes,
  stage: "local",
  authorizerContext: { tenantId: "local" },
  problem: (status, code, detail, requestId, instance) => ({ status, code, detail, requestId, instance }),
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ours: ours.url, bare: bare.url });
