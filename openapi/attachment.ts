import * as z from "zod";

/** A way into a session, for one connection. Made when it is first used, as all answers. */
export const Attachment = z.lazy(() =>
  z
    .strictObject({
      command: z
        .string()
        .describe("To be pasted into a terminal; needs AWS's session-manager-plugin, and no keys of AWS."),
      sessionId: z.string(),
      streamUrl: z.string(),
      tokenValue: z.string().describe("A secret: whoever has it gets in."),
    })
    .meta({ id: "Attachment" }),
);
