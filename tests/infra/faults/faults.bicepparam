using 'modules/queue.bicep' //! queue.bicep needs its parameter name

param sku = 'Free' //! 'Free' is not one of Standard, Premium
param atempts = 3 //! queue.bicep has no parameter atempts; attempts?
