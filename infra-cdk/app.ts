import { App } from "aws-cdk-lib";
import { type Configuration, ConfigurationInvalid, readConfiguration } from "./configuration.ts";
import { OmxWebStack } from "./omx-web-stack.ts";

/** The CDK app: one stack, of one stage. */
const app = new App();
const configuration = configurationOf(app);
if (configuration) new OmxWebStack(app, configuration);

function configurationOf({ node }: App): Configuration | undefined {
  try {
    return readConfiguration(node.getAllContext());
  } catch (error) {
    if (!(error instanceof ConfigurationInvalid)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
    return undefined;
  }
}
