// @tus/server as its pages have it: with "s3" over @tus/s3-store in the bucket that the environment names, with "file" over
// @tus/file-store in the directory that comes next.
import { Server } from "@tus/server";

const [kind, directory] = process.argv.slice(2);

async function s3() {
  const { S3Store } = await import("@tus/s3-store");
  return new S3Store({
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
}

async function file() {
  const { FileStore } = await import("@tus/file-store");
  return new FileStore({ directory });
}

const datastore = await { s3, file }[kind]();
const server = new Server({ path: "/files", datastore }).listen({ host: "127.0.0.1", port: 0 }, () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
