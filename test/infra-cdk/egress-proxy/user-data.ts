import * as z from "zod";
import type { SynthesizedTemplate } from "../../helpers/synthesized-template.ts";

const Joined = z
  .object({ "Fn::Join": z.tuple([z.literal(""), z.array(z.unknown())]) })
  .transform((join) =>
    join["Fn::Join"][1].map((part) => (typeof part === "string" ? part : `<${JSON.stringify(part)}>`)).join(""),
  );
const UserData = z.object({ "Fn::Base64": z.union([z.string(), Joined]) });

/** What the first boot of the proxy's machine runs, with each reference in angle brackets. */
export function userDataOf(template: SynthesizedTemplate): string {
  return UserData.parse(template.only("AWS::EC2::Instance").Properties.UserData)["Fn::Base64"];
}
