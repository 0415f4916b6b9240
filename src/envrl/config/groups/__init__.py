"""The groups of the schema, one file for each thing that they describe; `envrl.config.schema` puts them together."""
