-- name: insert_specification_stated
INSERT INTO specification_stated (event_id, product, analyte, client_id, version, withdrawn, at_ns, body)
VALUES (:event_id, :product, :analyte, :client_id, :version, :withdrawn, :at_ns, :body);

-- name: specification_stated
SELECT body, holds FROM specification_stated_checked
WHERE product = :product AND analyte = :analyte AND client_id = :client_id AND version = :version
  AND withdrawn = :withdrawn;

-- name: specifications_of_product
SELECT s.body, s.at_ns, w.at_ns AS withdrawn_ns, s.holds, 'specification_stated ' || s.event_id AS record
FROM specification_stated_checked AS s
LEFT JOIN specification_stated AS w ON w.product = s.product AND w.analyte = s.analyte AND w.client_id = s.client_id
  AND w.version = s.version AND w.withdrawn = 1
WHERE s.product = :product AND s.withdrawn = 0
ORDER BY s.row_number;

-- name: products_stated
SELECT DISTINCT product FROM specification_stated WHERE withdrawn = 0 ORDER BY product LIMIT :most;
