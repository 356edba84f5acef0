-- The directory says of a service that nobody has confirmed it for long: whoever refers there is warned.
ALTER TABLE partner_service ADD COLUMN stale boolean NOT NULL DEFAULT false;
