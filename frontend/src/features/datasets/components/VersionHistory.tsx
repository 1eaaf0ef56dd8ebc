/** The versions of one upload: what was mended from one to the next, and how many rows were left out. */

import { Anchor, List, Text } from "@mantine/core";
import { Link } from "react-router";

import { QueryView } from "@/components/ui/QueryView";
import { formatAgo, formatCount } from "@/lib/format";
import type { Dataset, DatasetDetail } from "@/lib/types";

import { useDatasetVersions } from "../api/get-dataset-versions";

interface Props {
  tenant: string;
  dataset: DatasetDetail;
  hrefOf: (dataset: Dataset) => string;
}

export function VersionHistory({ tenant, dataset, hrefOf }: Props) {
  const versions = useDatasetVersions(tenant, dataset);
  const leftOut = dataset.report?.left_out ?? [];
  return (
    <>
      <QueryView query={versions} height={80}>
        {({ results }) => (
          <List size="sm" listStyleType="none" spacing="xs" withPadding={false}>
            {results.map((version) => (
              <List.Item key={version.id}>
                {version.id === dataset.id ? (
                  <strong>Version {version.version} (this one)</strong>
                ) : (
                  <Anchor component={Link} size="sm" to={hrefOf(version)}>
                    Version {version.version}
                  </Anchor>
                )}
                {`: ${formatCount(version.num_rows, "row")} kept, ${formatAgo(version.created_at)}`}
                <Text size="xs" c="dimmed">
                  {version.fixes.at(-1)?.words ?? "As it was uploaded"}
                </Text>
              </List.Item>
            ))}
          </List>
        )}
      </QueryView>
      {leftOut.map(({ finding, rows, num_rows }) => (
        <Text key={finding} size="sm" mt="xs">
          Left out by your choice ({finding.replaceAll("_", " ")}): {formatCount(num_rows, "row")}, in lines{" "}
          {rows.join(", ")}
          {num_rows > rows.length && " and others"}.
        </Text>
      ))}
    </>
  );
}
