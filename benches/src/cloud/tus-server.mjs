// @tus/server over @tus/s3-store as their pages have it, in the bucket that the environment names.
import { Server } from "@tus/server";
import { S3Store } from "@tus/s3-store";

const datastore = new S3Store({
  partSize: 8 * 1024 * 1024,
  s3ClientConfig: {
    bucket: process.env.AWS_BUCKET,
    region: process.env.AWS_REGION,
    endpoint: process.env.AWS_ENDPOINT,
    forcePathStyle: true,
    credentials: {
      accessKeyId: process.env.AWS_ACCESS_KEY_ID,
      secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
    },
  },
});
const server = new Server({ path: "/files", datastore }).listen({ host: "127.0.0.1", port: 0 }, () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
