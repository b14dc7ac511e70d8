// Fauxqs exports only its whole application, with SNS, S3 and Fastify: 65 ms and 17 MB more than its queues alone.
// Hence its files are imported by path, here and in the other files of this folder.
import { changeMessageVisibility } from "../../node_modules/fauxqs/dist/sqs/actions/changeMessageVisibility.js";
import { createQueue } from "../../node_modules/fauxqs/dist/sqs/actions/createQueue.js";
import { deleteMessage } from "../../node_modules/fauxqs/dist/sqs/actions/deleteMessage.js";
import { getQueueAttributes } from "../../node_modules/fauxqs/dist/sqs/actions/getQueueAttributes.js";
import { getQueueUrl } from "../../node_modules/fauxqs/dist/sqs/actions/getQueueUrl.js";
import { receiveMessage } from "../../node_modules/fauxqs/dist/sqs/actions/receiveMessage.js";
import { sendMessage } from "../../node_modules/fauxqs/dist/sqs/actions/sendMessage.js";
import { SqsRouter } from "../../node_modules/fauxqs/dist/sqs/sqsRouter.js";
import type { SqsStore } from "../../node_modules/fauxqs/dist/sqs/sqsStore.js";

const operations = {
  ChangeMessageVisibility: changeMessageVisibility,
  CreateQueue: createQueue,
  DeleteMessage: deleteMessage,
  GetQueueAttributes: getQueueAttributes,
  GetQueueUrl: getQueueUrl,
  ReceiveMessage: receiveMessage,
  SendMessage: sendMessage,
};

/** SQS's operations on the queues of `store`; one not listed above is answered with `InvalidAction`. */
export function createRouter(store: SqsStore): SqsRouter {
  const router = new SqsRouter(store);
  for (const [name, operation] of Object.entries(operations)) router.register(name, operation);
  return router;
}
